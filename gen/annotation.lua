-- The words before an argument's type: which memory a pointer names, which
-- way its bytes go, and how an integer prints.

local types = require "gen.types"

local annotation = {}

-- NetBSD's MAXPATHLEN: the longest string a kernel fetches.
annotation.STRING_MAX = 1024

-- The most an extent may be, whatever the unit.
local MAX_BYTES = 0x7fffffff

-- extent: how the bytes behind the pointer are counted
--   object: one of the pointed-at type    string: to the NUL
--   count, bytes: as many as the operand says
--   others: by the structure behind the pointer
-- operand: what stands in the parentheses
--   size: an argument, a number or what an argument points at
--   arg: an argument    set: a set of names    nil: no parentheses
local WORDS = {
  ["_Fd_"] = { prints = "fd" },
  ["_Flags_"] = { prints = "flags", operand = "set" },
  ["_Enum_"] = { prints = "enum", operand = "set" },
  ["_Errno_"] = { errno = true },
  ["_Unknown_"] = { dir = "inout", extent = "unknown" },
  ["_In_z_"] = { dir = "in", extent = "string" },
  ["_In_opt_z_"] = { dir = "in", opt = true, extent = "string" },
  ["_In_iovec_"] = { dir = "in", extent = "iovec", operand = "arg" },
  ["_Out_iovec_"] = { dir = "out", extent = "iovec", operand = "arg" },
  ["_In_msghdr_"] = { dir = "in", extent = "msghdr" },
  ["_Inout_msghdr_"] = { dir = "inout", extent = "msghdr" },
  ["_In_mmsghdr_"] = { dir = "in", extent = "mmsghdr", operand = "arg" },
  ["_Inout_mmsghdr_"] = { dir = "inout", extent = "mmsghdr", operand = "arg" },
  ["_Inout_ioctl_"] = { dir = "inout", extent = "ioctl", operand = "arg" },
  ["_Inout_fcntl_"] = { dir = "inout", extent = "fcntl", operand = "arg" },
  ["_In_sysctl_"] = { dir = "in", opt = true, extent = "sysctl",
    operand = "arg" },
  ["_Inout_fdset_"] = { dir = "inout", opt = true, extent = "fdset",
    operand = "arg" },
  ["_In_aiocb_"] = { dir = "in", extent = "aiocb" },
  ["_Inout_aiocb_"] = { dir = "inout", extent = "aiocb" },
  ["_In_aiocblist_"] = { dir = "in", extent = "aiocblist", operand = "arg" },
}

for prefix, dir in pairs { In = "in", Out = "out", Inout = "inout" } do
  local verb = ({ ["in"] = "reads", out = "writes", inout = "updates" })[dir]
  for opt_word, opt in pairs { [""] = false, opt_ = true } do
    WORDS[("_%s_%s"):format(prefix, opt_word)] =
      { dir = dir, opt = opt, extent = "object" }
    WORDS[("_%s_%s_%s"):format(prefix, verb, opt_word)] =
      { dir = dir, opt = opt, extent = "count", operand = "size" }
    WORDS[("_%s_%s_bytes_%s"):format(prefix, verb, opt_word)] =
      { dir = dir, opt = opt, extent = "bytes", operand = "size" }
  end
end

-- With other extents the structure is only read and tells what is written.
local WRITES_DIRECTLY = { object = true, count = true, bytes = true }

local function words()
  local list = {}
  for word in pairs(WORDS) do
    list[#list + 1] = word
  end
  table.sort(list)
  return list
end

local function argument_names(call)
  local names = {}
  for _, arg in ipairs(call.args) do
    names[#names + 1] = not arg.pad and arg.name or nil
  end
  return names
end

-- The argument an operand names, or nil after an error.
local function find_argument(call, name, operand, diag)
  for i, arg in ipairs(call.args) do
    if arg.name == name and not arg.pad then
      return i, arg
    end
  end
  diag:error(operand.pos, "no argument is called", name, argument_names(call))
  return nil
end

-- Fills the operand of a pointer's extent into `into`.
local function resolve_operand(into, kind, call, word, operand, diag)
  local text = operand.text:gsub("[%s\\]+", "")
  local number = text:match("^%d+$")
  if number and kind == "size" then
    into.number = tonumber(number)
    if into.number > MAX_BYTES // math.max(into.unit, 1) then
      diag:error(operand.pos, "more memory than a call can name:", number)
    end
    return
  end
  local star, name = text:match("^(%*?)([%a_][%w_]*)$")
  if not name or star == "*" and kind ~= "size" then
    diag:error(operand.pos, ("%s takes an argument's name, not")
      :format(word.word), text)
    return
  end
  local index, arg = find_argument(call, name, operand, diag)
  if not index then
    return
  end
  local through_pointer = star == "*"
  if through_pointer ~= types.is_pointer(arg.type) then
    diag:error(operand.pos, through_pointer and "not a pointer:"
      or "an extent cannot be a pointer; write a star before", text)
    return
  end
  local size = through_pointer and types.pointee_size(arg.type) or 8
  if size ~= 4 and size ~= 8 and types.class(arg.type) then
    diag:error(operand.pos, "does not point at a length:", text)
    return
  end
  into.arg, into.through_pointer = index, through_pointer
end

-- True when the word has the parentheses it needs and no others.
local function operand_fits(word, meaning, diag)
  if meaning.operand and not word.operand then
    diag:error(word.pos, "needs a name in parentheses:", word.word)
    return false
  elseif word.operand and not meaning.operand then
    diag:error(word.operand.pos, word.word .. " takes nothing in parentheses,"
      .. " not", word.operand.text)
    return false
  end
  return true
end

local function apply_memory(arg, word, meaning, call, diag)
  if not types.is_pointer(arg.type) then
    diag:error(word.pos, ("is for a pointer, and '%s' is none:")
      :format(arg.name), word.word)
    return
  end
  if arg.memory then
    diag:error(word.pos, ("'%s' has an extent already:"):format(arg.name),
      word.word)
    return
  end
  local memory = { dir = meaning.dir, opt = meaning.opt or false,
    extent = meaning.extent, unit = 1 }
  if meaning.extent == "object" or meaning.extent == "count" then
    memory.unit = types.pointee_size(arg.type)
    if not memory.unit and types.class(arg.type) then
      diag:error(word.pos, ("the size of '%s' is not known, say it in bytes:")
        :format(types.pointee(arg.type)), word.word)
    end
    memory.unit = memory.unit or 0
  end
  if meaning.operand then
    resolve_operand(memory, meaning.operand, call, word, word.operand, diag)
  end
  if memory.dir ~= "in" and WRITES_DIRECTLY[meaning.extent]
      and types.points_at_const(arg.type) then
    diag:error(word.pos, ("'%s' points at const and is never written:")
      :format(arg.name), word.word)
  end
  arg.memory = memory
end

local function apply_print(arg, word, meaning, diag)
  if types.is_pointer(arg.type) then
    diag:error(word.pos, ("is for an integer, and '%s' is none:")
      :format(arg.name), word.word)
    return
  end
  arg.prints = meaning.prints
  arg.set = word.operand and word.operand.text
end

-- Applies the words before each argument and the return type of a call:
-- sets arg.memory, arg.prints, arg.set and call.returns_errno.  Errors go to
-- `diag`.  Returns true when the call has any annotation.
function annotation.resolve(call, diag)
  local any = false
  for _, word in ipairs(call.annotations) do
    any = true
    local meaning = WORDS[word.word]
    if meaning and meaning.errno and call.ret == "int" then
      call.returns_errno = true
    elseif meaning and meaning.errno then
      diag:error(word.pos, "an error number is an int, not", call.ret)
    else
      diag:error(word.pos, "not an annotation of a return type:", word.word,
        { "_Errno_" })
    end
  end
  for _, arg in ipairs(call.args) do
    for _, word in ipairs(arg.annotations) do
      any = true
      local meaning = WORDS[word.word]
      if not meaning or meaning.errno then
        diag:error(word.pos, "unknown annotation", word.word, words())
      elseif operand_fits(word, meaning, diag) then
        if meaning.dir then
          apply_memory(arg, word, meaning, call, diag)
        else
          apply_print(arg, word, meaning, diag)
        end
      end
    end
  end
  return any
end

return annotation
