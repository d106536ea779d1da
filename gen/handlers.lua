-- What a kernel makes of the calls: which handlers it has, and what the
-- handlers' authors say of them.
--
-- A note is one line of a C source, right above the handler:
--   /* @partial sys_read: only every other byte */
--   /* @absent sys_mount: EOPNOTSUPP, there is nothing to mount */
-- A handler without a note serves the call in full; a call without a handler
-- is absent.

local suggest = require "gen.suggest"

local handlers = {}

local KINDS = { partial = true, absent = true }

-- The notes of one source: { kind, handler, why, file, line }.  A line that
-- looks like a note and is none becomes a note with `malformed`.
function handlers.notes(file, text)
  local notes, line = {}, 0
  for content in (text .. "\n"):gmatch("(.-)\r?\n") do
    line = line + 1
    local kind, rest = content:match("^%s*/%*%s*@(%a+)%s+(.*)$")
    if kind and KINDS[kind] then
      local handler, why = rest:match("^([%w_]+):%s+(.-)%s*%*/%s*$")
      notes[#notes + 1] = { kind = kind, handler = handler, why = why,
        file = file, line = line, malformed = handler == nil or why == "" }
    end
  end
  return notes
end

-- The set of functions that nm(1) names as defined.
function handlers.linked(symbols)
  local linked = {}
  for kind, name in symbols:gmatch("[^\n]-%s(%a)%s+([%w_]+)") do
    if kind == "T" then
      linked[name] = true
    end
  end
  return linked
end

local function problem(note, message)
  return ("%s:%d: %s"):format(note.file, note.line, message)
end

-- The notes by handler, and what is wrong with them.
local function index(calls, linked, notes)
  local known, names, by_handler, problems = {}, {}, {}, {}
  for _, call in ipairs(calls) do
    known[call.handler] = true
    names[#names + 1] = call.handler
  end
  for _, note in ipairs(notes) do
    local other = by_handler[note.handler]
    if note.malformed then
      problems[#problems + 1] = problem(note, ("a note reads '@%s HANDLER: "
        .. "WHY' on one line"):format(note.kind))
    elseif not known[note.handler] then
      local hint = suggest.closest(note.handler, names)
      problems[#problems + 1] = problem(note, ("no call has the handler '%s'%s")
        :format(note.handler, hint and (" (did you mean '%s'?)"):format(hint)
          or ""))
    elseif other then
      problems[#problems + 1] = problem(note, ("'%s' has a note already, at "
        .. "%s:%d"):format(note.handler, other.file, other.line))
    else
      by_handler[note.handler] = note
      if note.kind == "partial" and not linked[note.handler] then
        problems[#problems + 1] = problem(note, ("'%s' is partial but not "
          .. "linked"):format(note.handler))
      end
    end
  end
  return by_handler, problems
end

-- One row a call, in the list's order: { number, name, handler, status, how },
-- status "served", "partial" or "absent"; and a list of problems, one line
-- each.
function handlers.table(calls, linked, notes)
  local by_handler, problems = index(calls, linked, notes)
  local rows = {}
  for i, call in ipairs(calls) do
    local note = by_handler[call.handler]
    rows[i] = { number = call.number, name = call.title,
      handler = call.handler, how = note and note.why or "",
      status = note and note.kind or linked[call.handler] and "served"
        or "absent" }
    if not note and not linked[call.handler] then
      rows[i].how = "ENOSYS"
    end
  end
  table.sort(problems)
  return rows, problems
end

-- How many rows have which status; `all` of them.
function handlers.count(rows)
  local count = { all = #rows, served = 0, partial = 0, absent = 0 }
  for _, row in ipairs(rows) do
    count[row.status] = count[row.status] + 1
  end
  return count
end

return handlers
