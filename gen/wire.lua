-- rump_sp frames as bytes, computed from nothing but the protocol: what the
-- fixtures hold and the generated tests compare with.

local wire = {}

wire.HEADER = 24
wire.BANNER = "RUMPSP-0.4-NetBSD-7.99.34/amd64\n"

local CLASSES = { req = 0, resp = 1, error = 2 }
local TYPES = { handshake = 0, syscall = 1, copyin = 2, copyinstr = 3,
  copyout = 4, copyoutstr = 5, anonmmap = 6, prefork = 7, raise = 8 }
wire.HANDSHAKE = { guest = 0, fork = 2, exec = 3 }
wire.ERROR = { try_again = 1, auth = 2, no_prefork = 3, fork_failed = 4,
  in_exec = 5, no_memory = 6, malformed = 7 }

function wire.hex(bytes)
  return (bytes:gsub(".", function(c)
    return ("%02x"):format(c:byte())
  end))
end

-- One frame: conn, from ("client", "server"), class, type, reqno, u, body.
-- Returns it with its length and its bytes.
function wire.frame(f)
  local body = f.body or ""
  local len = wire.HEADER + #body
  return {
    conn = f.conn or 1, from = f.from, len = len, reqno = f.reqno,
    class = f.class, type = f.type or "handshake", u = f.u or 0,
    body = wire.hex(body),
    bytes = string.pack("<i8i8I2I2I4", len, f.reqno, CLASSES[f.class],
      TYPES[f.type or "handshake"], f.u or 0) .. body,
  }
end

function wire.banner(conn)
  return { conn = conn or 1, from = "server", banner = wire.hex(wire.BANNER) }
end

function wire.eof(from, conn)
  return { conn = conn or 1, from = from, eof = true }
end

function wire.sysresp(error, retval0, retval1)
  return string.pack("<i4I4i8i8", error, 0, retval0, retval1)
end

function wire.copy(length, address, data)
  return string.pack("<i8i8", length, address) .. (data or "")
end

-- `cookie` is the 16 bytes a prefork was answered with.
function wire.fork(cookie, cancel)
  return cookie .. string.pack("<i4", cancel and 1 or 0)
end

return wire
