-- Damaged lists: whatever stands in one, the generator says what is wrong
-- with it and does not fall over.

local conversation = require "gen.conversation"
local listing = require "gen.listing"
local support = require "tests.gen.support"

local ROUNDS = 400
local JUNK = { "{", "}", "|", "(", ")", ";", "\\\n", "#if\n", "#else\n",
  "#endif\n", "...", "*", "_In_", "_In_reads_(", "STD", "RUMP", "PAD", "void",
  "\n", "1", " ", "const", "\0", "\255", ",", "[", "]", "int" }

local function damage(text)
  local at = math.random(#text)
  local kind = math.random(3)
  if kind == 1 then
    return text:sub(1, at - 1) .. text:sub(at + math.random(8))
  elseif kind == 2 then
    return text:sub(1, at) .. JUNK[math.random(#JUNK)] .. text:sub(at + 1)
  end
  return text:sub(1, at) .. string.char(math.random(0, 255))
    .. text:sub(at + 2)
end

describe("a damaged list", function()
  it("is read or refused", function()
    local whole = support.read_file(support.OURS):match("\n%%%%\n(.*)$")
    local right, wrong = 0, 0
    math.randomseed(1)
    for _ = 1, ROUNDS do
      local from = whole:find("\n", math.random(#whole - 2000), true) + 1
      local text = whole:sub(from, from + 1500)
      for _ = 1, math.random(4) do
        text = damage(text)
      end
      local errors = support.errors(text)
      for _, line in ipairs(errors) do
        assert.is_truthy(line:match("^list:%d+:%d+: error: "), line)
      end
      if #errors == 0 then
        right = right + 1
        local calls = support.model(text).calls
        listing.calls(calls)
        for _, call in ipairs(calls) do
          conversation.of_call(call)
        end
      else
        wrong = wrong + 1
      end
    end
    assert.is_true(wrong > ROUNDS // 2)
    assert.equal(ROUNDS, right + wrong)
  end)
end)
