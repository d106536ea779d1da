-- What must hold for a list beyond its grammar.

local layout = require "gen.layout"
local types = require "gen.types"

local check = {}

local OPENS = { ["if"] = true, ifdef = true, ifndef = true }

-- Calls check_entry(entry, seen) with the state of the arm it stands in: each
-- arm of a conditional starts from what was before it, and what follows sees
-- all arms.
local function walk_arms(items, new_state, copy, merge, check_entry)
  local state, stack = new_state(), {}
  for _, item in ipairs(items) do
    if item.entry then
      check_entry(item.entry, state)
    elseif OPENS[item.word] then
      stack[#stack + 1] = { before = copy(state), arms = {} }
    elseif item.word == "else" or item.word == "elif" then
      local top = stack[#stack]
      if top then
        top.arms[#top.arms + 1] = state
        state = copy(top.before)
      end
    elseif item.word == "endif" then
      local top = table.remove(stack)
      for _, arm in ipairs(top and top.arms or {}) do
        state = merge(state, arm)
      end
    end
  end
end

local function copy_table(t)
  local c = {}
  for k, v in pairs(t) do
    c[k] = v
  end
  return c
end

local function check_numbers(m, diag)
  local function check_entry(entry, state)
    if entry.number == state.last then
      diag:error(entry.pos, "number used twice:", tostring(entry.number))
    elseif entry.number < state.last then
      diag:error(entry.pos, ("out of order after %d:"):format(state.last),
        tostring(entry.number))
    end
    state.last = math.max(state.last, entry.number)
  end
  walk_arms(m.items, function() return { last = -1 } end, copy_table,
    function(a, b) return { last = math.max(a.last, b.last) } end,
    check_entry)
end

-- What a handler finds in its arguments.
local function wire_types(call)
  local list = {}
  for i, arg in ipairs(call.args) do
    local class = types.class(arg.type)
    list[i] = class and class.wire or arg.type
  end
  return table.concat(list, ", ")
end

-- What a call lays claim to: how a message names it, the text, and, when
-- calls may share it, what they must have in common.
local function claims(call)
  local list = { { "name", call.constant } }
  if not call.shares then
    list[#list + 1] = { "handler", call.handler }
  end
  list[#list + 1] = { "client symbol", call.symbol }
  if call.constant_alias then
    list[#list + 1] = { "name", call.constant_alias }
  end
  list[#list + 1] = { "handler with other arguments", call.handler,
    wire_types(call) }
  if not call.compat_option then
    list[#list + 1] = { "macro", "RUMP_SYS_RENAME_" .. call.rename,
      call.cname }
  end
  return list
end

local function check_names(m, diag)
  local function check_entry(entry, seen)
    local call, clash = entry.call, false
    for _, claim in ipairs(call and claims(call) or {}) do
      local what, text, common = claim[1], claim[2], claim[3]
      local key = what .. " " .. text
      local other = seen[key]
      if other and not clash and not (common and other.common == common) then
        clash = true
        diag:error(call.name_pos, ("the same %s as in line %d:"):format(what,
          (diag:place(other.pos))), text)
      end
      seen[key] = other or { pos = call.name_pos, common = common }
    end
  end
  walk_arms(m.items, function() return {} end, copy_table,
    function(a, b)
      for k, v in pairs(b) do
        a[k] = v
      end
      return a
    end, check_entry)
end

local function check_type(type, pos, diag)
  if types.class(type) then
    return
  elseif types.needs_pointer(type) then
    diag:error(pos, "travels only behind a pointer:", type)
  else
    local plain = type:gsub("%s*%*.*$", ""):gsub("^const ", "")
    diag:error(pos, "unknown type",
      types.class(plain .. " *") and type or plain, types.names())
  end
end

local function check_types(call, diag)
  if call.ret ~= "void" then
    check_type(call.ret, call.ret_pos, diag)
  end
  for _, arg in ipairs(call.args) do
    check_type(arg.type, arg.type_pos, diag)
  end
end

local function check_argument_names(call, diag)
  local seen = {}
  for _, arg in ipairs(call.args) do
    if seen[arg.name] then
      diag:error(arg.name_pos, "two arguments are called", arg.name)
    end
    seen[arg.name] = true
  end
end

local function is_narrow(arg)
  local class = types.class(arg.type)
  return class and class.size < 4
end

-- What C wants of the argument behind "..." and of the one before it.
local function check_varargs(call, diag)
  local before
  for i, arg in ipairs(call.args) do
    if arg.varargs and i < #call.args then
      diag:error(arg.pos, "only the last argument can be varargs, not",
        arg.name)
    elseif arg.varargs and (arg.pad or not before) then
      diag:error(arg.pos, arg.pad and "padding cannot be varargs:"
        or "before varargs there must be another argument:", arg.name)
    elseif arg.varargs and (is_narrow(arg) or is_narrow(before)) then
      local narrow = is_narrow(arg) and arg or before
      diag:error(narrow.type_pos, "next to '...' C wants int or wider, not",
        narrow.type)
    end
    if not arg.pad then
      before = arg
    end
  end
end

local function check_count(call, diag)
  local extra = call.args[layout.MAX_ARGS + 1]
  if extra then
    diag:error(extra.pos, ("more than %d arguments, from"):format(
      layout.MAX_ARGS), extra.name)
  end
end

-- One warning for a list that says nothing about any pointer.
local function warn_unannotated(m, diag)
  for _, call in ipairs(m.calls) do
    for _, arg in ipairs(call.args) do
      if call.rump and types.is_pointer(arg.type) then
        diag:warning(arg.pos, "no pointer of this list is annotated, the "
          .. "extents of all are unknown; the first is", arg.name)
        return
      end
    end
  end
end

local function check_annotated(call, diag)
  for _, arg in ipairs(call.args) do
    if types.is_pointer(arg.type) and not arg.memory
        and #arg.annotations == 0 then
      diag:error(arg.pos, "pointer argument without annotation:", arg.name)
    end
  end
end

-- Checks the whole model.  RUMP calls need annotations on their pointers when
-- the list uses annotations at all, or `strict` is set.
function check.run(m, diag, strict)
  check_numbers(m, diag)
  check_names(m, diag)
  if not m.annotated and not strict then
    warn_unannotated(m, diag)
  end
  for _, call in ipairs(m.calls) do
    if not call.indirect then
      check_types(call, diag)
      check_argument_names(call, diag)
      check_varargs(call, diag)
      check_count(call, diag)
      if call.rump and (m.annotated or strict) then
        check_annotated(call, diag)
      end
    end
  end
end

return check
