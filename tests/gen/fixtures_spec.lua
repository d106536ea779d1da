local conversation = require "gen.conversation"
local json = require "dkjson"
local support = require "tests.gen.support"
local values = require "gen.values"
local wire = require "gen.wire"

local CALLS = [[
3 STD RUMP { ssize_t|sys||read(int fd, _Out_writes_bytes_(n) void *buf, size_t n); }
4 STD RUMP { ssize_t|sys||write(int fd, _In_reads_bytes_(n) const void *buf, size_t n); }
5 STD RUMP { int|sys||open(_In_z_ const char *path, int flags, ... mode_t mode); }
42 STD RUMP { int|sys||pipe(void); }
50 NOERR RUMP { _Errno_ int|sys||advise(int fd); }
51 NOERR RUMP { uid_t|sys||who(void); }
]]

describe("values", function()
  local calls = support.model(CALLS).calls

  it("have the sign bit set, and are extended as C would", function()
    local list = values.arguments(calls[3])
    assert.is_true(list[2] < 0 and list[2] >= -0x80000000)
    assert.is_true(list[3] >= 0x80000000 and list[3] <= 0xffffffff)
    assert.is_true(values.arguments(calls[1])[3] < 0)
  end)

  it("are all different", function()
    local seen = {}
    for _, call in ipairs(calls) do
      for _, value in ipairs(values.arguments(call)) do
        assert.is_nil(seen[value])
        seen[value] = true
      end
    end
  end)

  it("are the same every time", function()
    assert.same(values.arguments(calls[3]), values.arguments(calls[3]))
  end)

  it("leave padding zero", function()
    local call = support.call("1 STD { int|sys||a(int PAD); }")
    assert.same({ 0 }, values.arguments(call))
  end)

  it("fail as the call does", function()
    assert.same({ 35, 0 }, { values.failure(calls[1]) })
    assert.same({ 0, 35 }, { values.failure(calls[5]) })
  end)

  it("come back positive where the type is unsigned", function()
    assert.is_true(values.retvals(calls[6]) > 0)
    assert.is_true(values.retvals(calls[1]) < 0)
  end)
end)

describe("a frame", function()
  it("is header and body", function()
    local f = wire.frame { from = "client", class = "req", type = "syscall",
      reqno = 4, u = 6, body = string.pack("<i8", 3) }
    assert.equal(32, f.len)
    assert.equal("0300000000000000", f.body)
    assert.equal("20000000000000000400000000000000" .. "00000100"
      .. "06000000" .. "0300000000000000", wire.hex(f.bytes))
  end)

  it("of an error carries its code", function()
    local f = wire.frame { from = "server", class = "error", reqno = 1, u = 3 }
    assert.equal("18000000000000000100000000000000" .. "02000000"
      .. "03000000", wire.hex(f.bytes))
  end)
end)

describe("conversations", function()
  local calls = support.model(CALLS).calls

  it("of a call: a success and a failure", function()
    local frames = conversation.of_call(calls[1])
    assert.equal(wire.hex(wire.BANNER), frames[1].banner)
    assert.equal("handshake", frames[2].type)
    assert.equal(3, frames[4].u)
    assert.equal(frames[4].body, frames[6].body)
    assert.equal("2300000000000000", frames[7].body:sub(1, 16))
    assert.is_true(frames[8].eof)
  end)

  it("of the protocol cover every frame type and error", function()
    local types, errors = {}, {}
    for _, c in ipairs(conversation.of_protocol(calls)) do
      for _, f in ipairs(c.frames) do
        types[f.type or "none"] = true
        errors[f.class == "error" and f.u or 0] = true
      end
    end
    for _, name in ipairs { "handshake", "syscall", "copyin", "copyinstr",
        "copyout", "copyoutstr", "anonmmap", "prefork", "raise" } do
      assert.is_true(types[name], name)
    end
    for name, code in pairs(wire.ERROR) do
      -- Ours never says "try again", on which NetBSD's client spins.
      assert.is_true(errors[code] or name == "try_again", name)
    end
  end)

  it("pass the cookie on", function()
    for _, c in ipairs(conversation.of_protocol(calls)) do
      if c.name == "fork" then
        assert.equal("prefork", c.frames[5].type)
        assert.equal(32, #c.frames[5].body)
        assert.equal(c.frames[5].body .. "00000000", c.frames[7].body)
        assert.equal(2, c.frames[7].u)
      end
    end
  end)

  it("are left out when the list has no call for them", function()
    local few = support.model("1 STD RUMP { int|sys||a(void); }").calls
    for _, c in ipairs(conversation.of_protocol(few)) do
      assert.is_nil(c.name:match("^copy") or c.name:match("progress$"))
    end
  end)

  it("are JSON, a frame a line", function()
    local render = require("gen.render").from("templates")
    local text = render("conversation.jsonl.tmpl",
      { frames = conversation.of_call(calls[3]) })
    local count = 0
    for line in text:gmatch("([^\n]+)\n") do
      local event = assert(json.decode(line))
      assert.equal(1, event.conn)
      if event.body then
        assert.equal(event.len, 24 + #event.body // 2)
      end
      count = count + 1
    end
    assert.equal(8, count)
  end)
end)
