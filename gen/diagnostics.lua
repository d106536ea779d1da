-- Collects the errors and warnings of one run, each at a place in the list.

local suggest = require "gen.suggest"

local diagnostics = {}
diagnostics.__index = diagnostics

-- The offending text is cut after so many bytes.
local SHOWN_MAX = 60

-- `file` is the name to print, `text` the whole list.
function diagnostics.new(file, text)
  local line_starts = { 1 }
  for pos in text:gmatch("\n()") do
    line_starts[#line_starts + 1] = pos
  end
  return setmetatable({
    file = file, line_starts = line_starts, entries = {}, errors = 0,
  }, diagnostics)
end

-- Line and column, both from 1, of a byte position.
function diagnostics:place(pos)
  local low, high = 1, #self.line_starts
  while low < high do
    local middle = (low + high + 1) // 2
    if self.line_starts[middle] <= pos then
      low = middle
    else
      high = middle - 1
    end
  end
  return low, pos - self.line_starts[low] + 1
end

local function add(self, severity, pos, message, offending, candidates)
  local line, column = self:place(pos)
  self.entries[#self.entries + 1] = {
    severity = severity, pos = pos, order = #self.entries,
    line = line, column = column, message = message, offending = offending,
    suggestion = candidates and suggest.closest(offending, candidates),
  }
end

-- `offending` is the text at fault; `candidates`, a list of what would have
-- been right there, may be nil.
function diagnostics:error(pos, message, offending, candidates)
  self.errors = self.errors + 1
  add(self, "error", pos, message, offending, candidates)
end

function diagnostics:warning(pos, message, offending)
  add(self, "warning", pos, message, offending)
end

-- A piece of a list as a terminal can show it.
local function visible(text)
  if #text > SHOWN_MAX then
    text = text:sub(1, SHOWN_MAX) .. "..."
  end
  return (text:gsub(utf8.len(text) and "%c" or "[%c\x80-\xff]", function(byte)
    return ("\\x%02x"):format(byte:byte())
  end))
end

-- One line an entry, in the order of the list.
function diagnostics:lines()
  local sorted = table.move(self.entries, 1, #self.entries, 1, {})
  table.sort(sorted, function(a, b)
    if a.pos ~= b.pos then
      return a.pos < b.pos
    end
    return a.order < b.order
  end)
  local lines = {}
  for i, e in ipairs(sorted) do
    local line = ("%s:%d:%d: %s: %s"):format(self.file, e.line, e.column,
      e.severity, e.message)
    if e.offending then
      line = line .. (" '%s'"):format(visible(e.offending))
    end
    if e.suggestion then
      line = line .. (" (did you mean '%s'?)"):format(e.suggestion)
    end
    lines[i] = line
  end
  return lines
end

return diagnostics
