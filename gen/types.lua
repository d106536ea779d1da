-- The C types of a list and what they are on the wire: NetBSD/amd64's sizes.

local types = {}

-- By value.  class: how the value travels; print: how a trace shows it;
-- declared: the line of C that declares it, where
-- <rump/rump_syscalls_compat.h> does not; host_size: where a host's type may
-- be narrower than the wire's; opaque: may be a pointer on the host.
local function signed(size, extra)
  local t = { size = size, signed = true, wire = "int" .. size * 8 .. "_t" }
  for k, v in pairs(extra or {}) do
    t[k] = v
  end
  return t
end

local function unsigned(size, extra)
  local t = signed(size, extra)
  t.signed, t.wire = false, "uint" .. size * 8 .. "_t"
  return t
end

local SCALARS = {
  ["char"] = signed(1), ["signed char"] = signed(1),
  ["unsigned char"] = unsigned(1), ["u_char"] = unsigned(1),
  ["short"] = signed(2), ["unsigned short"] = unsigned(2),
  ["short int"] = signed(2), ["unsigned short int"] = unsigned(2),
  ["u_short"] = unsigned(2),
  ["int"] = signed(4), ["signed"] = signed(4), ["signed int"] = signed(4),
  ["unsigned"] = unsigned(4), ["unsigned int"] = unsigned(4),
  ["u_int"] = unsigned(4),
  ["long"] = signed(8), ["long int"] = signed(8),
  ["unsigned long"] = unsigned(8, { print = "hex" }),
  ["unsigned long int"] = unsigned(8, { print = "hex" }),
  ["u_long"] = unsigned(8, { print = "hex" }),
  ["long long"] = signed(8), ["unsigned long long"] = unsigned(8),
  ["long long int"] = signed(8), ["unsigned long long int"] = unsigned(8),
  ["quad_t"] = signed(8), ["u_quad_t"] = unsigned(8),
  ["int8_t"] = signed(1), ["uint8_t"] = unsigned(1),
  ["int16_t"] = signed(2), ["uint16_t"] = unsigned(2),
  ["int32_t"] = signed(4), ["uint32_t"] = unsigned(4),
  ["int64_t"] = signed(8), ["uint64_t"] = unsigned(8),
  ["u_int8_t"] = unsigned(1), ["u_int16_t"] = unsigned(2),
  ["u_int32_t"] = unsigned(4), ["u_int64_t"] = unsigned(8),
  ["intmax_t"] = signed(8), ["uintmax_t"] = unsigned(8),
  ["ptrdiff_t"] = signed(8, { declared = "#include <stddef.h>" }),
  ["intptr_t"] = signed(8), ["uintptr_t"] = unsigned(8, { print = "hex" }),
  ["size_t"] = unsigned(8), ["ssize_t"] = signed(8), ["off_t"] = signed(8),
  ["register_t"] = signed(8),
  ["mode_t"] = unsigned(4, { print = "octal" }),
  ["dev_t"] = unsigned(8, { print = "hex" }),
  ["pid_t"] = signed(4), ["lwpid_t"] = signed(4),
  ["uid_t"] = unsigned(4), ["gid_t"] = unsigned(4), ["id_t"] = unsigned(4),
  ["socklen_t"] = unsigned(4), ["time_t"] = signed(8),
  ["ino_t"] = unsigned(8), ["nlink_t"] = unsigned(4),
  ["clockid_t"] = signed(4), ["timer_t"] = signed(4, { opaque = true }),
  ["key_t"] = signed(8, { host_size = 4 }),
  ["mqd_t"] = signed(4, { declared = "#include <mqueue.h>" }),
  ["idtype_t"] = unsigned(4, { declared = "#include <sys/wait.h>" }),
  ["psetid_t"] = signed(4), ["cpuid_t"] = unsigned(8),
  ["acl_type_t"] = signed(4, { declared = "typedef int acl_type_t;" }),
}

-- Only behind pointers.  The size is false where it is nobody's business.
local POINTEES = {
  ["void"] = false,
  ["fd_set"] = 32, ["sigset_t"] = 16, ["siginfo_t"] = 128, ["stack_t"] = 24,
  ["fsid_t"] = 8, ["cpuset_t"] = false,
  ["struct aiocb"] = 88,
  ["struct iovec"] = 16,
  ["struct itimerspec"] = 32, ["struct itimerspec50"] = 32,
  ["struct itimerval"] = 32, ["struct itimerval50"] = 32,
  ["struct kevent"] = 40,
  ["struct mmsghdr"] = 56, ["struct msghdr"] = 48,
  ["struct mq_attr"] = 32,
  ["struct pollfd"] = 8,
  ["struct quotactl_args"] = 48,
  ["struct rlimit"] = 16,
  ["struct rusage"] = 144, ["struct rusage50"] = 144,
  ["struct sched_param"] = 4,
  ["struct sigaction"] = 32, ["struct sigaltstack"] = 24,
  ["struct sigevent"] = 32,
  ["struct sockaddr"] = 16,
  ["struct stat"] = 152, ["struct stat30"] = 136,
  ["struct statvfs"] = 2256,
  ["struct timespec"] = 16, ["struct timespec50"] = 16,
  ["struct timeval"] = 16, ["struct timeval50"] = 16,
  ["struct timezone"] = 8,
  ["struct uuid"] = 16,
}

types.SLOT = 8
types.POINTER = { size = 8, signed = false, wire = "rump_uaddr_t",
  pointer = true }

-- The C spelling of type tokens: "const char *", "char *const *".
function types.spell(tokens)
  local text = ""
  for _, t in ipairs(tokens) do
    local glue = text == "" or t.text == "*" and text:sub(-1) == "*"
      or t.text ~= "*" and text:sub(-1) == "*"
    text = text .. (glue and "" or " ") .. t.text
  end
  return text
end

function types.is_pointer(text)
  return text:find("*", 1, true) ~= nil
end

-- What a pointer type points at, unqualified: "struct stat", "char *const".
function types.pointee(text)
  local target = text:gsub("%s*%*[^*]*$", "")
  if not types.is_pointer(target) then
    target = target:gsub("%f[%w_]const%f[^%w_]", ""):gsub("^%s+", "")
      :gsub("%s+$", ""):gsub("%s+", " ")
  end
  return target
end

-- True when the pointed-at object cannot be written through the pointer.
function types.points_at_const(text)
  local target = text:gsub("%s*%*[^*]*$", "")
  if types.is_pointer(target) then
    return target:match("%*%s*const$") ~= nil
  end
  return target:find("%f[%w_]const%f[^%w_]") ~= nil
end

-- The wire class of a type by its spelling, or nil when it is not known:
-- { size, signed, wire = fixed-width C type, pointer, … }.
function types.class(text)
  if types.is_pointer(text) then
    local base, stars = text:match("^([^*]*)(.*)$")
    base = base:gsub("%f[%w_]const%f[^%w_]", "")
      :gsub("^%s+", ""):gsub("%s+$", ""):gsub("%s+", " ")
    if stars:gsub("%f[%w_]const%f[^%w_]", ""):find("[^%s*]") then
      return nil
    elseif SCALARS[base] or POINTEES[base] ~= nil
        or base:match("^struct [%a_][%w_]*$")
        or base:match("^union [%a_][%w_]*$") then
      return types.POINTER
    end
    return nil
  end
  return SCALARS[(text:gsub("^const ", ""))]
end

-- True for what can only be behind a pointer, yet is none by its spelling.
function types.needs_pointer(text)
  return not types.is_pointer(text) and not SCALARS[text]
    and (POINTEES[text] ~= nil or types.tag(text) ~= nil)
end

-- Bytes of the object behind a pointer type, or nil when not known.
function types.pointee_size(text)
  local target = types.pointee(text)
  if types.is_pointer(target) then
    return types.POINTER.size
  end
  local scalar = SCALARS[target]
  return scalar and scalar.size or POINTEES[target] or nil
end

-- The struct or union a type needs declared ("struct stat"), or nil.
function types.tag(text)
  return text:match("%f[%w_](struct [%a_][%w_]*)")
    or text:match("%f[%w_](union [%a_][%w_]*)")
end

-- Every name a type may have, for suggestions.
function types.names()
  local names = {}
  for name in pairs(SCALARS) do
    names[#names + 1] = name
  end
  for name in pairs(POINTEES) do
    names[#names + 1] = name
  end
  table.sort(names)
  return names
end

return types
