-- report.lua ROWS JSON: the rows that the bench programs printed, one JSON
-- object a line, as a table on stdout and as one JSON document in a file.

local dkjson = require("dkjson")

local function read_rows(path)
  local rows = {}
  for line in io.lines(path) do
    local row, _, why = dkjson.decode(line)
    if not row then
      error(("%s: %s in: %s"):format(path, why, line), 0)
    end
    rows[#rows + 1] = row
  end
  return rows
end

local function first_line(path, pattern)
  local f = io.open(path)
  if not f then
    return nil
  end
  local found
  for line in f:lines() do
    found = line:match(pattern)
    if found then
      break
    end
  end
  f:close()
  return found
end

-- What the figures were measured on, as they mean nothing without it.
local function machine()
  local cpus = 0
  for line in io.lines("/proc/cpuinfo") do
    if line:match("^processor") then
      cpus = cpus + 1
    end
  end
  return {
    cpu = first_line("/proc/cpuinfo", "^model name%s*:%s*(.+)") or "unknown",
    cpus = cpus,
    kernel = first_line("/proc/sys/kernel/osrelease", "(.+)") or "unknown",
    load = first_line("/proc/loadavg", "^(%S+)"),
  }
end

local function number(v)
  if v >= 1000 then
    return ("%.0f"):format(v)
  elseif v >= 10 then
    return ("%.1f"):format(v)
  elseif v >= 1 then
    return ("%.2f"):format(v)
  end
  return ("%.3f"):format(v)
end

local function median(s)
  return s and number(s.median) or "-"
end

local function range(s)
  return s and ("%s..%s"):format(number(s.q1), number(s.q3)) or "-"
end

local function target(row)
  if not row.target then
    return ""
  end
  local t = row.target
  local most = t.ratio_max or t.max
  local goal = most and ("<= %g"):format(most)
    or (">= %g"):format(t.ratio_min)
  return goal .. (t.met and " met" or " MISSED")
end

-- Microseconds beyond the bare limit; says nothing for other units.
local function beyond(row)
  if row.unit ~= "us" or not row.bare then
    return ""
  end
  return number(row.ours.median - row.bare.median)
end

local function cells(row, marks)
  local name = row.name
  if row.note then
    name = name .. " [" .. marks[row.note] .. "]"
  end
  if row.skipped then
    return { name, "skipped: " .. row.skipped }
  end
  return {
    name, row.unit, median(row.ours), range(row.ours),
    median(row.bare), range(row.bare), beyond(row),
    row.ratio and ("%.2f"):format(row.ratio.median) or "-",
    row.ratio and ("%.2f..%.2f"):format(row.ratio.q1, row.ratio.q3) or "-",
    target(row),
  }
end

local HEAD = {
  "", "unit", "ours", "quartiles", "bare", "quartiles", "beyond", "ratio",
  "quartiles", "target",
}
local LEFT = { [1] = true, [2] = true, [10] = true }

local function print_table(lines)
  local width = {}
  for _, line in ipairs(lines) do
    for i, cell in ipairs(line) do
      -- A skipped row's message may be as long as it likes.
      if #line > 2 or i == 1 then
        width[i] = math.max(width[i] or 0, #cell)
      end
    end
  end
  for _, line in ipairs(lines) do
    local out = {}
    for i, cell in ipairs(line) do
      local pad = (" "):rep((width[i] or 0) - #cell)
      out[i] = LEFT[i] and cell .. pad or pad .. cell
    end
    print((table.concat(out, "  "):gsub("%s+$", "")))
  end
end

local function number_notes(rows)
  local marks, notes = {}, {}
  for _, row in ipairs(rows) do
    if row.note and not marks[row.note] then
      notes[#notes + 1] = row.note
      marks[row.note] = #notes
    end
  end
  return marks, notes
end

local GENERAL = [[
Medians and quartiles over rounds; ours and bare take turns, and the ratio is
that of each pair of rounds.  Bare: the frames of the same call, upcalls
included, between two processes over a local stream socket with plain send(2)
and recv(2), and in the peer what the call does on the host (pread(2),
open(2) ...).  "beyond" is ours less bare in microseconds.  Servers and peers
run on one CPU and the client on another, or on the same where the row says
so; with several threads or clients on half of the CPUs each.]]

local rows = read_rows(arg[1])
local marks, notes = number_notes(rows)
local lines = { HEAD }
for _, row in ipairs(rows) do
  lines[#lines + 1] = cells(row, marks)
end
local on = machine()
print(("%s, %d CPUs, Linux %s"):format(on.cpu, on.cpus, on.kernel))
print_table(lines)
print(GENERAL)
for i, note in ipairs(notes) do
  print(("[%d] %s"):format(i, note))
end

local f = assert(io.open(arg[2], "w"))
f:write(dkjson.encode({ machine = on, rows = rows }, { indent = true,
  keyorder = { "machine", "rows", "name", "unit", "ours", "bare", "ratio",
    "target", "note", "skipped", "median", "q1", "q3", "n" } }), "\n")
f:close()
