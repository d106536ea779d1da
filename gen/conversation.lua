-- Whole conversations as lists of frames: one for each call, and those of the
-- protocol itself.

local layout = require "gen.layout"
local types = require "gen.types"
local values = require "gen.values"
local wire = require "gen.wire"

local conversation = {}

local COMM = "conv\0"
local EXEC_COMM = "exe\0"
local COOKIE = string.pack("<I4I4I4I4", 0x8c5f21d6, 0x01b7e934, 0xf2d80a6b,
  0x7743c19e)
local OTHER_COOKIE = string.pack("<I4I4I4I4", 0xdeadbeef, 0, 1, 0xffffffff)
local OK = string.pack("<i4", 0)
local EINTR, ENOSYS = 4, 78
local SIGUSR1 = 30
local SERVER, CLIENT = "server", "client"

local function request(frames, from, reqno, kind, u, body, conn)
  frames[#frames + 1] = wire.frame { conn = conn, from = from,
    class = "req", type = kind, reqno = reqno, u = u, body = body }
end

local function response(frames, from, reqno, kind, body, conn)
  frames[#frames + 1] = wire.frame { conn = conn, from = from,
    class = "resp", type = kind, reqno = reqno, body = body }
end

-- An error frame.
local function failure(frames, reqno, code, conn)
  frames[#frames + 1] = wire.frame { conn = conn, from = SERVER,
    class = "error", reqno = reqno, u = code }
end

-- One that ends the connection.
local function refusal(frames, reqno, code, conn)
  failure(frames, reqno, code, conn)
  frames[#frames + 1] = wire.eof(SERVER, conn)
end

local function guest(conn)
  local frames = { wire.banner(conn) }
  request(frames, CLIENT, 1, "handshake", wire.HANDSHAKE.guest, COMM, conn)
  response(frames, SERVER, 1, "handshake", OK, conn)
  return frames
end

local function syscall(frames, reqno, call)
  request(frames, CLIENT, reqno, "syscall", call.number,
    layout.body(call, values.arguments(call)))
end

local function answer(frames, reqno, error, retval0, retval1)
  response(frames, SERVER, reqno, "syscall",
    wire.sysresp(error, retval0, retval1))
end

-- A call made twice: it succeeds, then it fails.
function conversation.of_call(call)
  local frames = guest()
  syscall(frames, 2, call)
  answer(frames, 2, 0, values.retvals(call))
  syscall(frames, 3, call)
  local error, retval = values.failure(call)
  answer(frames, 3, error, retval, 0)
  frames[#frames + 1] = wire.eof(CLIENT)
  return frames
end

-- The first call with a pointer argument of which `fits` is true, and the
-- argument's index.
local function find_pointer(calls, fits)
  for _, call in ipairs(calls) do
    for i, arg in ipairs(call.args) do
      if arg.class.pointer and fits(arg) then
        return call, i
      end
    end
  end
  return nil
end

local function is_string(arg)
  return arg.type == "const char *"
end

local function is_read(arg)
  return types.points_at_const(arg.type) and not is_string(arg)
end

local function is_written(arg)
  return not types.points_at_const(arg.type)
end

-- Guest, a call, what `during` puts in between, its answer.
local function around_call(call, during)
  local frames = guest()
  syscall(frames, 2, call)
  during(frames)
  answer(frames, 2, 0, values.retvals(call))
  frames[#frames + 1] = wire.eof(CLIENT)
  return frames
end

local function copy_conversation(calls, fits, kind, data)
  local call, index = find_pointer(calls, fits)
  if not call then
    return nil
  end
  local address = values.argument(call, index)
  return around_call(call, function(frames)
    if kind == "copyin" then
      request(frames, SERVER, 0, kind, 0, wire.copy(#data, address))
      response(frames, CLIENT, 0, "copyin", data)
    elseif kind == "copyinstr" then
      -- NetBSD's client answers both kinds with the same type.
      request(frames, SERVER, 0, kind, 0, wire.copy(1024, address))
      response(frames, CLIENT, 0, "copyin", data)
    else
      request(frames, SERVER, 0, kind, 0, wire.copy(#data, address, data))
    end
  end)
end

local function prefork(frames)
  request(frames, CLIENT, 2, "prefork", 0, "")
  response(frames, SERVER, 2, "prefork", COOKIE)
end

local function fork_handshake(frames, conn, cookie, cancel)
  frames[#frames + 1] = wire.banner(conn)
  request(frames, CLIENT, 1, "handshake", wire.HANDSHAKE.fork,
    wire.fork(cookie, cancel), conn)
end

local PROTOCOL = {}

function PROTOCOL.guest()
  local frames = guest()
  frames[#frames + 1] = wire.eof(CLIENT)
  return frames
end

function PROTOCOL.fork()
  local frames = guest()
  prefork(frames)
  fork_handshake(frames, 2, COOKIE, false)
  response(frames, SERVER, 1, "handshake", OK, 2)
  frames[#frames + 1] = wire.eof(CLIENT, 2)
  frames[#frames + 1] = wire.eof(CLIENT, 1)
  return frames
end

PROTOCOL["fork-cancel"] = function()
  local frames = guest()
  prefork(frames)
  fork_handshake(frames, 2, COOKIE, true)
  frames[#frames + 1] = wire.eof(SERVER, 2)
  frames[#frames + 1] = wire.eof(CLIENT, 1)
  return frames
end

PROTOCOL["fork-unknown-cookie"] = function()
  local frames = {}
  fork_handshake(frames, 1, OTHER_COOKIE, false)
  refusal(frames, 1, wire.ERROR.no_prefork)
  return frames
end

PROTOCOL["fork-used-cookie"] = function()
  local frames = guest()
  prefork(frames)
  fork_handshake(frames, 2, COOKIE, false)
  response(frames, SERVER, 1, "handshake", OK, 2)
  fork_handshake(frames, 3, COOKIE, false)
  refusal(frames, 1, wire.ERROR.no_prefork, 3)
  frames[#frames + 1] = wire.eof(CLIENT, 2)
  frames[#frames + 1] = wire.eof(CLIENT, 1)
  return frames
end

-- The new image numbers its requests from 0.
function PROTOCOL.exec()
  local frames = guest()
  request(frames, CLIENT, 0, "handshake", wire.HANDSHAKE.exec, EXEC_COMM)
  response(frames, SERVER, 0, "handshake", OK)
  frames[#frames + 1] = wire.eof(CLIENT)
  return frames
end

-- The exec waits for a call in flight.  Until it is done there is no prefork
-- and no second exec.
PROTOCOL["exec-in-progress"] = function(calls)
  local call, index = find_pointer(calls, is_read)
  if not call then
    return nil
  end
  local data = "hello"
  local frames = guest()
  syscall(frames, 2, call)
  request(frames, SERVER, 0, "copyin", 0,
    wire.copy(#data, values.argument(call, index)))
  request(frames, CLIENT, 3, "handshake", wire.HANDSHAKE.exec, EXEC_COMM)
  request(frames, CLIENT, 4, "prefork", 0, "")
  failure(frames, 4, wire.ERROR.in_exec)
  request(frames, CLIENT, 5, "handshake", wire.HANDSHAKE.exec, EXEC_COMM)
  failure(frames, 5, wire.ERROR.in_exec)
  response(frames, CLIENT, 0, "copyin", data)
  answer(frames, 2, EINTR, 0, 0)
  response(frames, SERVER, 3, "handshake", OK)
  frames[#frames + 1] = wire.eof(CLIENT)
  return frames
end

-- What a kernel has no room or no will for is refused, and that is all.  No
-- server of ours says "try again": NetBSD's client does, without a pause.
PROTOCOL["prefork-errors"] = function(calls)
  local frames = guest()
  for i, code in ipairs { wire.ERROR.fork_failed, wire.ERROR.no_memory } do
    request(frames, CLIENT, 1 + i, "prefork", 0, "")
    failure(frames, 1 + i, code)
  end
  syscall(frames, 4, calls[1])
  answer(frames, 4, 0, values.retvals(calls[1]))
  frames[#frames + 1] = wire.eof(CLIENT)
  return frames
end

-- A guest is a guest once.
function PROTOCOL.malformed(calls)
  local frames = guest()
  request(frames, CLIENT, 2, "handshake", wire.HANDSHAKE.guest, COMM)
  failure(frames, 2, wire.ERROR.malformed)
  syscall(frames, 3, calls[1])
  answer(frames, 3, 0, values.retvals(calls[1]))
  frames[#frames + 1] = wire.eof(CLIENT)
  return frames
end

function PROTOCOL.unauthorised(calls)
  local frames = { wire.banner() }
  syscall(frames, 1, calls[1])
  refusal(frames, 1, wire.ERROR.auth)
  return frames
end

PROTOCOL["unknown-call"] = function(calls)
  local frames, highest = guest(), 0
  for _, call in ipairs(calls) do
    highest = math.max(highest, call.number)
  end
  request(frames, CLIENT, 2, "syscall", highest + 1, "")
  answer(frames, 2, ENOSYS, 0, 0)
  frames[#frames + 1] = wire.eof(CLIENT)
  return frames
end

function PROTOCOL.copyin(calls)
  return copy_conversation(calls, is_read, "copyin", "hello\0\xff\x80")
end

function PROTOCOL.copyinstr(calls)
  return copy_conversation(calls, is_string, "copyinstr", "/some/where\0")
end

function PROTOCOL.copyout(calls)
  return copy_conversation(calls, is_written, "copyout", "hello\0\xff\x80")
end

function PROTOCOL.copyoutstr(calls)
  return copy_conversation(calls, is_written, "copyoutstr", "/some/where\0")
end

function PROTOCOL.anonmmap(calls)
  return around_call(calls[1], function(frames)
    request(frames, SERVER, 0, "anonmmap", 0, string.pack("<i8", 4096))
    response(frames, CLIENT, 0, "anonmmap",
      string.pack("<i8", 0x7c0000000000))
  end)
end

function PROTOCOL.raise(calls)
  return around_call(calls[1], function(frames)
    request(frames, SERVER, 0, "raise", SIGUSR1, "")
  end)
end

-- The protocol's own conversations, as { name, frames } sorted by name;
-- those that need a kind of call the list has not are left out.
function conversation.of_protocol(calls)
  local list = {}
  for name, make in pairs(PROTOCOL) do
    local frames = make(calls)
    if frames then
      list[#list + 1] = { name = name, frames = frames }
    end
  end
  table.sort(list, function(a, b) return a.name < b.name end)
  return list
end

return conversation
