-- How the templates spell things in C.

local annotation = require "gen.annotation"
local layout = require "gen.layout"
local types = require "gen.types"
local values = require "gen.values"

local c = {}

local WIDTH = 79

-- What the tests pass and expect.
c.arguments, c.retvals, c.ERROR =
  values.arguments, values.retvals, values.ERROR

-- Columns of a line: a tab goes to the next multiple of eight.
local function columns(line)
  local n = 0
  for ch in line:gmatch(".") do
    n = ch == "\t" and n + 8 - n % 8 or n + 1
  end
  return n
end

-- Breaks one line to fit the page, after commas and equal signs and before
-- __RENAME; what follows is indented by four more spaces.
function c.wrap(line)
  local indent = line:match("^\t*") .. "    "
  local lines, current = {}, ""
  local marked = line:gsub(", ", ",\1"):gsub("= ", "=\1")
    :gsub(" __RENAME", "\1__RENAME")
  for piece in (marked .. "\1"):gmatch("(.-)\1") do
    if current == "" then
      current = piece
    elseif columns(current .. " " .. piece) > WIDTH then
      lines[#lines + 1] = current
      current = indent .. piece
    else
      current = current .. " " .. piece
    end
  end
  lines[#lines + 1] = current
  return table.concat(lines, "\n")
end

-- "char *path", "int fd"
function c.declare(type, name)
  return type .. (type:sub(-1) == "*" and "" or " ") .. name
end

-- Arguments of the C interface: without the padding.
function c.visible(call)
  local list = {}
  for _, arg in ipairs(call.args) do
    list[#list + 1] = not arg.pad and arg or nil
  end
  return list
end

-- The parameters of a call's C function, with names or without.
function c.parameters(call, named)
  local list = {}
  for _, arg in ipairs(c.visible(call)) do
    list[#list + 1] = arg.varargs and "..."
      or named and c.declare(arg.type, arg.name) or arg.type
  end
  if call.pair then
    list[1] = named and "int *fildes" or "int *"
  end
  return #list > 0 and table.concat(list, ", ") or "void"
end

-- The last parameter with a name: what va_start wants.
function c.before_varargs(call)
  local list = c.visible(call)
  return list[#list - 1].name
end

function c.varargs(call)
  local list = c.visible(call)
  return list[#list]
end

-- True when the result may be a pointer on the host.
function c.returns_pointer(call)
  return call.ret_class and (call.ret_class.pointer or call.ret_class.opaque)
end

-- A local variable's name that no argument of the call has.
function c.fresh(call, name)
  for _, arg in ipairs(call.args) do
    if arg.name == name then
      return c.fresh(call, name .. "_")
    end
  end
  return name
end

-- The struct and union tags a set of calls needs declared.
function c.tags(calls)
  local seen, tags = {}, {}
  for _, call in ipairs(calls) do
    for _, arg in ipairs(call.args) do
      local tag = types.tag(arg.type)
      if tag and not seen[tag] then
        seen[tag] = true
        tags[#tags + 1] = tag
      end
    end
  end
  table.sort(tags)
  return tags
end

-- The #include lines and typedefs beyond <rump/rump_syscalls_compat.h> that a
-- set of calls needs.
function c.type_declarations(calls)
  local seen, list = {}, {}
  local function add(type)
    local class = type ~= "void" and types.class((type:gsub("%s*%*.*", "")))
    local line = class and class.declared
    if line and not seen[line] then
      seen[line] = true
      list[#list + 1] = line
    end
  end
  for _, call in ipairs(calls) do
    add(call.ret)
    for _, arg in ipairs(call.args) do
      add(arg.type)
    end
  end
  table.sort(list)
  return list
end

function c.declared(calls)
  local list = {}
  for _, call in ipairs(calls) do
    list[#list + 1] = call.declared and call or nil
  end
  return list
end

-- An argument as the value of its slot: never sign-extended beyond its size.
function c.slot(arg)
  local class = arg.class
  if arg.pad then
    return "0"
  elseif class.pointer then
    return "(uintptr_t)" .. arg.name
  elseif class.opaque then
    return ("(uint%d_t)(uintptr_t)%s"):format(class.size * 8, arg.name)
  elseif class.size < 8 then
    return ("(uint%d_t)%s"):format(class.size * 8, arg.name)
  end
  return (class.signed and "(uint64_t)" or "") .. arg.name
end

function c.slots(call)
  local list = {}
  for i, arg in ipairs(call.args) do
    list[i] = c.slot(arg)
  end
  return table.concat(list, ", ")
end

-- The type a handler gets its arguments as.
function c.handler_args(call)
  return #call.args > 0 and "const struct " .. call.args_struct .. " *"
    or "const void *"
end

-- A C integer constant of a value of the class (an int64 in Lua).
function c.constant(class, value)
  if class.size == 8 and not class.signed then
    return ("UINT64_C(0x%x)"):format(value)
  elseif class.size == 8 then
    return c.int64(value)
  end
  return tostring(value) .. (class.signed and "" or "u")
end

function c.int64(value)
  if value == math.mininteger then
    return "INT64_MIN"
  end
  return ("INT64_C(%d)"):format(value)
end

-- A value as an argument in a call of the stub.
function c.passed(arg, value)
  local class = arg.class
  if class.pointer then
    return ("(%s)(uintptr_t)0x%xu"):format(arg.type, value)
  elseif class.opaque then
    return ("(%s)(uintptr_t)0x%xu"):format(arg.type, value & 0xffffffff)
  elseif arg.varargs then
    return ("(%s)%s"):format(arg.type, c.constant(class, value))
  end
  return c.constant(class, value)
end

function c.passed_all(call, list)
  local passed = {}
  for i, arg in ipairs(call.args) do
    if not arg.pad then
      passed[#passed + 1] = c.passed(arg, list[i])
    end
  end
  return table.concat(passed, ", ")
end

-- The bytes of an argument's slot, as elements of an initializer.
function c.slot_bytes(arg, value)
  return (layout.slot(arg.class, value):gsub(".", function(byte)
    return ("0x%02x, "):format(byte:byte())
  end):gsub(" $", ""))
end

-- The slot as one 64-bit constant.
function c.slot_constant(arg, value)
  local number = string.unpack("<i8", layout.slot(arg.class, value))
  return ("UINT64_C(0x%016x)"):format(number)
end

local SYSDESC_EXTENT = { unknown = "UNKNOWN", string = "STRING",
  iovec = "IOVEC", msghdr = "MSGHDR", mmsghdr = "MMSGHDR", ioctl = "IOCTL",
  fcntl = "FCNTL", sysctl = "SYSCTL", fdset = "FDSET", aiocb = "AIOCB",
  aiocblist = "AIOCBLIST" }
local SYSDESC_PRINT = { hex = "HEX", octal = "OCTAL", fd = "FD" }
local DIRECTION = { ["in"] = "SYSDESC_IN", out = "SYSDESC_OUT",
  inout = "SYSDESC_IN | SYSDESC_OUT" }

-- enum sysdesc_kind of a type's class (nil: void).
function c.kind(class, prints)
  if not class then
    return "SYSDESC_VOID"
  elseif class.pointer then
    return "SYSDESC_PTR"
  end
  local print_as = SYSDESC_PRINT[prints] or SYSDESC_PRINT[class.print]
    or class.signed and "INT" or "UINT"
  return "SYSDESC_" .. print_as
end

-- The memory behind a pointer argument: its direction, and the initializers
-- that tell its extent.
function c.memory(arg)
  local memory = arg.memory or { extent = "unknown",
    dir = types.points_at_const(arg.type) and "in" or "inout", unit = 0 }
  local extent, bytes = SYSDESC_EXTENT[memory.extent], nil
  if memory.extent == "string" then
    bytes = annotation.STRING_MAX
  elseif memory.extent == "object" then
    extent, bytes = "CONST", memory.unit
  elseif memory.number then
    extent, bytes = "CONST", memory.unit * memory.number
  elseif memory.extent == "count" or memory.extent == "bytes" then
    extent, bytes = memory.through_pointer and "ARGPTR" or "ARG", memory.unit
  end
  local fields = { ".extent = SYSDESC_X_" .. extent }
  if memory.arg then
    fields[#fields + 1] = ".arg = " .. memory.arg - 1
  end
  if bytes then
    fields[#fields + 1] = ".bytes = " .. bytes
  end
  return DIRECTION[memory.dir] .. (memory.opt and " | SYSDESC_OPT" or ""),
    table.concat(fields, ", ")
end

-- RUMP_SYF_* of a call.
function c.flags(call)
  local list = {}
  list[#list + 1] = call.noerr and "RUMP_SYF_NOERR" or nil
  list[#list + 1] = call.compat_option and "RUMP_SYF_COMPAT" or nil
  return #list > 0 and table.concat(list, " | ") or "0"
end

return c
