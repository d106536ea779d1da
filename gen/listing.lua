-- What --list and --list-outputs print.

local listing = {}

-- Pads each column but the last to its widest cell.
local function columns(rows)
  local widths, lines = {}, {}
  for _, row in ipairs(rows) do
    for i, cell in ipairs(row) do
      widths[i] = math.max(widths[i] or 0, #cell)
    end
  end
  for _, row in ipairs(rows) do
    local line = {}
    for i, cell in ipairs(row) do
      line[i] = i < #row and cell .. (" "):rep(widths[i] - #cell) or cell
    end
    lines[#lines + 1] = table.concat(line, "  ")
  end
  return table.concat(lines, "\n") .. "\n"
end

local function prototype(call)
  local args = {}
  for _, arg in ipairs(call.args) do
    args[#args + 1] = (arg.varargs and "... " or "") .. arg.type
      .. (arg.type:sub(-1) == "*" and "" or " ") .. arg.name
  end
  return ("%s%s%s(%s)"):format(call.ret, call.ret:sub(-1) == "*" and "" or " ",
    call.cname, #args > 0 and table.concat(args, ", ") or "void")
end

function listing.calls(calls)
  local rows = { { "number", "type", "rump", "bytes", "handler", "call" } }
  for _, call in ipairs(calls) do
    rows[#rows + 1] = { tostring(call.number), call.type,
      call.rump and "rump" or "-", tostring(call.argsize), call.handler,
      prototype(call) }
  end
  return columns(rows)
end

function listing.outputs(list)
  local rows = {}
  for _, output in ipairs(list) do
    rows[#rows + 1] = { output.name, output.path, output.about }
  end
  return columns(rows)
end

return listing
