-- Where each argument lies on the wire: one 8-byte slot an argument, in
-- order.  Computed here and nowhere else; the generated C asserts it.

local types = require "gen.types"

local layout = {}

-- The runtime's limit, FRAME_MAX_ARGS in wire/frame.h.
layout.MAX_ARGS = 16

-- Adds to each argument: class (gen.types), slot, offset (bytes); to the
-- call: argsize (bytes), ret_class.
function layout.call(call)
  for i, arg in ipairs(call.args) do
    arg.class = types.class(arg.type)
    arg.slot = i - 1
    arg.offset = arg.slot * types.SLOT
  end
  call.argsize = #call.args * types.SLOT
  call.ret_class = call.ret ~= "void" and types.class(call.ret) or nil
end

-- The 8 bytes of a slot: a value narrower than the slot leaves the upper
-- bytes zero, whatever its sign.
function layout.slot(class, value)
  local bits = class.size * 8
  if bits < 64 then
    value = value & ((1 << bits) - 1)
  end
  return string.pack("<i8", value)
end

-- The argument structure of a call with the given values, one an argument.
function layout.body(call, values)
  local slots = {}
  for i, arg in ipairs(call.args) do
    slots[i] = layout.slot(arg.class, values[i])
  end
  return table.concat(slots)
end

return layout
