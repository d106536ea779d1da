-- Our list carries the facts of NetBSD's: compared where that is at hand.

local support = require "tests.gen.support"

-- One line for each RUMP call: all that is on the wire or in a name.
local function facts(text)
  local _, m = support.read(text:match("\n%%%%\n(.*)$"))
  local lines = {}
  for _, call in ipairs(m.calls) do
    if call.rump then
      local args = {}
      for i, arg in ipairs(call.args) do
        args[i] = (arg.varargs and "... " or "") .. arg.type .. " " .. arg.name
      end
      lines[#lines + 1] = ("%d %s %s %s|%s|%s|%s(%s) %s"):format(call.number,
        call.type, call.modular or "-", call.ret, call.prefix, call.compat,
        call.name, table.concat(args, ", "), call.alias or "-")
    end
  end
  return lines
end

describe("our list", function()
  local ours = facts(support.read_file(support.OURS))
  local text = support.read_file(support.NETBSD)

  -- Those it has; a newer NetBSD has more, and so may our list.
  it("has NetBSD's numbers, names, types and arguments", function()
    if not text then
      pending("NetBSD's list is not at hand")
      return
    end
    local has, missing = {}, {}
    for _, line in ipairs(ours) do
      has[line] = true
    end
    for _, line in ipairs(facts(text)) do
      if not has[line] then
        missing[#missing + 1] = line
      end
    end
    assert.same({}, missing)
  end)

  it("annotates every pointer", function()
    assert.same({}, support.errors(
      support.read_file(support.OURS):match("\n%%%%\n(.*)$"), true))
  end)
end)
