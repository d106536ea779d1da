-- Damaged lists: whatever stands in one, the generator says what is wrong
-- with it, where, and does not fall over.

local listing = require "gen.listing"
local outputs = require "gen.outputs"
local render = require("gen.render").from("templates")
local support = require "tests.gen.support"

local ROUNDS = 300
local JUNK = { "{", "}", "|", "(", ")", ";", "\\\n", "#if\n", "#else\n",
  "#endif\n", "#include\n", "...", "*", "_In_", "_In_reads_(", "STD", "RUMP",
  "PAD", "void", "\n", "1", " ", "const", "\0", "\255", ",", "[", "]", "int",
  "99999999999999999999", "\r\n", "default" }

local function body_of(list)
  local text = support.read_file(list)
  return text and text:match("\n%%%%\n(.*)$")
end

-- The tokens of a text, blanks among them.
local function tokens_of(text)
  local tokens = {}
  local at = 1
  while at <= #text do
    local token = text:match("^[%w_]+", at) or text:match("^[ \t]+", at)
      or text:sub(at, at)
    tokens[#tokens + 1] = token
    at = at + #token
  end
  return tokens
end

local function lines_of(text)
  local lines = {}
  for line in text:gmatch("[^\n]*\n?") do
    lines[#lines + 1] = line
  end
  return lines
end

-- Drops, doubles, moves or changes one of the parts.
local function damage(parts)
  local at = math.random(#parts)
  local part = parts[at]
  local kind = math.random(5)
  if kind == 1 then
    table.remove(parts, at)
  elseif kind == 2 then
    table.insert(parts, at, part)
  elseif kind == 3 then
    parts[at] = parts[at % #parts + 1]
    parts[at % #parts + 1] = part
  elseif kind == 4 then
    table.insert(parts, at, JUNK[math.random(#JUNK)])
  else
    local byte = math.random(#part)
    parts[at] = part:sub(1, byte - 1) .. string.char(math.random(0, 255))
      .. part:sub(byte + 1)
  end
  return table.concat(parts)
end

-- Everything that can be made of the list is made.
local function generate(text)
  local m = support.model(text)
  listing.calls(m.calls)
  if #m.calls > 0 then
    outputs.render(render, m, { model = m, items = m.items, calls = m.calls,
      source = "list" })
  end
end

-- Each error has a place in the text and shows what stands there.
local function check_errors(errors, text)
  local lines = lines_of(text)
  for _, message in ipairs(errors) do
    local line, column, said = message:match("^list:(%d+):(%d+): error: (.+)$")
    assert.is_truthy(said and said:find(" '.*'"), message)
    assert.is_nil(said:find("%c"), message)
    line, column = tonumber(line) - support.LINES_BEFORE, tonumber(column)
    assert.is_truthy(lines[line] and column <= #lines[line] + 1, message)
  end
end

for _, list in ipairs { support.OURS, support.NETBSD } do
  local whole = body_of(list)
  if whole then
    describe("a damaged " .. list, function()
      for how, parts_of in pairs { tokens = tokens_of, lines = lines_of } do
        it("in its " .. how .. " is read or refused", function()
          local refused = 0
          math.randomseed(1)
          for _ = 1, ROUNDS do
            local from = whole:find("\n%d", math.random(#whole - 2000)) + 1
            local text = whole:sub(from, from + 1000):match("^.*\n")
            for _ = 1, math.random(3) do
              text = damage(parts_of(text))
            end
            local errors = support.errors(text)
            check_errors(errors, text)
            if #errors == 0 then
              generate(text)
            end
            refused = refused + (#errors > 0 and 1 or 0)
          end
          assert.is_true(refused > ROUNDS // 3)
          assert.is_true(refused < ROUNDS)
        end)
      end
    end)
  end
end

describe("a misspelt word of our list", function()
  local whole = body_of(support.OURS):gsub("\n;[^\n]*", "\n")

  -- Every word that the generator knows by itself.
  local function known_words()
    local words = {}
    for word in whole:gmatch("_[IOFEU][%w_]*_%f[^%w_]") do
      words[word] = true
    end
    for word in whole:gmatch("[%a_][%w_]*_t%f[^%w_]") do
      words[word] = true
    end
    for _, word in ipairs { "STD", "EXCL", "NOERR", "COMPAT_50", "UNIMPL",
        "OBSOL", "IGNORED", "MODULAR", "RUMP" } do
      words[word] = true
    end
    return words
  end

  it("is found and the right one suggested", function()
    local count = 0
    for word in pairs(known_words()) do
      local wrong = word:gsub("^(_*%w%w)(%w)(%w)", "%1%3%2")
      local from = whole:find("%f[%w_]" .. word .. "%f[^%w_]")
      local start = from and whole:sub(1, from):match(".*\n()%d+[ \t]")
      local stop = from and whole:match("()\n[%d#\n]", from)
      if wrong ~= word and stop then
        local text = whole:sub(start, from - 1) .. wrong
          .. whole:sub(from + #word, stop)
        local errors = table.concat(support.errors(text), "\n")
        assert.is_truthy(errors:find(("'%s' (did you mean '%s'?)"):format(
          wrong, word), 1, true), ("%s: %s"):format(wrong, errors))
        count = count + 1
      end
    end
    assert.is_true(count >= 30, count)
  end)

  it("hides no other", function()
    local text, wrong = whole:gsub("%f[%w_]size_t(%s+%*?[%a])", "siez_t%1")
    local errors = support.errors(text)
    assert.is_true(wrong > 20)
    assert.equal(wrong, #errors)
    check_errors(errors, text)
  end)
end)
