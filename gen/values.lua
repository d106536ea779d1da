-- The values that tests and fixtures pass: every argument of every call its
-- own, sign bits set, the same in each run.

local values = {}

-- NetBSD errno that the second answer of each call carries: EAGAIN, which
-- is another number on other hosts.
values.ERROR = 35

local function with_sign_bit(size, low)
  local bits = size * 8
  local mask = bits < 64 and (1 << bits) - 1 or -1
  return (1 << (bits - 1) | low) & mask
end

local function sign_extend(value, size)
  local shift = 64 - size * 8
  return (value << shift) // (1 << shift)
end

-- As an int64: signed types negative, unsigned ones positive if they fit.
function values.as_c(class, value)
  if class.signed and class.size < 8 then
    return sign_extend(value, class.size)
  end
  return value
end

function values.argument(call, index)
  local arg = call.args[index]
  local low = call.number << 4 | index
  if arg.pad then
    return 0
  elseif arg.class.pointer then
    return 0x7a0000000000 | low << 8
  elseif arg.class.size == 1 then
    return values.as_c(arg.class, with_sign_bit(1, low & 0x7f))
  elseif arg.class.host_size then
    return sign_extend(with_sign_bit(arg.class.host_size, low),
      arg.class.host_size)
  end
  return values.as_c(arg.class, with_sign_bit(arg.class.size, low))
end

function values.arguments(call)
  local list = {}
  for i = 1, #call.args do
    list[i] = values.argument(call, i)
  end
  return list
end

-- What the kernel answers on success.
function values.retvals(call)
  if call.pair then
    return 0x10000 | call.number, 0x20000 | call.number
  elseif call.returns_errno then
    return 0, 0
  end
  local second = 0x5000000000000000 | call.number
  if not call.ret_class then
    return 0, second
  elseif call.ret_class.pointer then
    return 0x7b0000000000 | call.number << 12, second
  end
  local size = call.ret_class.host_size or call.ret_class.size
  return values.as_c({ size = size, signed = call.ret_class.signed },
    with_sign_bit(size, call.number)), second
end

-- What it answers on failure: error, retval[0].
function values.failure(call)
  if call.returns_errno then
    return 0, values.ERROR
  end
  return values.ERROR, 0
end

return values
