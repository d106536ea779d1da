local layout = require "gen.layout"
local model = require "gen.model"
local support = require "tests.gen.support"

describe("names", function()
  local cases = {
    { "3 STD RUMP { ssize_t|sys||read(int fd); }", handler = "sys_read",
      symbol = "read", constant = "read", title = "read", cname = "read" },
    { "450 STD RUMP { int|sys|50|mknod(int fd); }",
      handler = "sys___mknod50", symbol = "mknod50",
      constant = "__mknod50", title = "__mknod50", cname = "mknod" },
    { "387 COMPAT_50 MODULAR compat RUMP { int|sys|30|stat(int fd); }",
      handler = "compat_50_sys___stat30", symbol = "stat30",
      constant = "compat_50___stat30", title = "compat_50___stat30",
      cname = "stat" },
    { "14 COMPAT_50 MODULAR compat RUMP { int|sys||mknod(int fd); }",
      handler = "compat_50_sys_mknod", symbol = "mknod",
      constant = "compat_50_mknod", title = "compat_50_mknod",
      cname = "mknod" },
    { "20 NOERR RUMP { pid_t|sys||getpid_with_ppid(void); } getpid",
      handler = "sys_getpid_with_ppid", symbol = "getpid",
      constant = "getpid_with_ppid", title = "getpid", cname = "getpid" },
    { "397 STD RUMP { int|sys|40|fhstatvfs1(int fd); }",
      handler = "sys___fhstatvfs140", symbol = "fhstatvfs140",
      constant = "__fhstatvfs140", title = "__fhstatvfs140",
      cname = "fhstatvfs1" },
  }
  for _, case in ipairs(cases) do
    it("of " .. case.handler, function()
      local call = support.call(case[1])
      for key, expected in pairs(case) do
        if key ~= 1 then
          assert.equal(expected, call[key], key)
        end
      end
    end)
  end

  it("of old calls that meet are told apart", function()
    local calls = support.model("1 COMPAT_50 { int|sys||park(void); }\n"
      .. "2 COMPAT_60 { int|sys||park(void); }\n"
      .. "3 STD { int|sys||park(void); }\n").calls
    assert.equal("compat_50_park", calls[1].symbol)
    assert.equal("compat_60_park", calls[2].symbol)
    assert.equal("park", calls[3].symbol)
  end)
end)

describe("a call", function()
  it("carries what the list says of it", function()
    local call = support.call(
      "7 NOERR MODULAR aio RUMP { _Errno_ int|sys||a(void); }")
    assert.equal(7, call.number)
    assert.equal("aio", call.modular)
    assert.is_true(call.rump)
    assert.is_true(call.noerr)
    assert.is_true(call.returns_errno)
    assert.equal("int", call.ret)
    assert.same({}, call.args)
  end)

  it("has arguments with C types", function()
    local call = support.call("1 STD { void *|sys||a(const char * name, "
      .. "char * const *argp, unsigned prio, int PAD, ... mode_t mode); }")
    local seen = {}
    for i, arg in ipairs(call.args) do
      seen[i] = arg.type .. "|" .. arg.name
    end
    assert.same({ "const char *|name", "char *const *|argp", "unsigned|prio",
      "int|PAD", "mode_t|mode" }, seen)
    assert.is_true(call.args[4].pad)
    assert.is_true(call.args[5].varargs)
    assert.is_true(call.varargs)
    assert.equal("void *", call.ret)
  end)

  it("called pipe returns a pair", function()
    assert.is_true(support.call("42 STD RUMP { int|sys||pipe(void); }").pair)
    assert.is_false(support.call(
      "42 STD RUMP { int|sys||pipe(int a); }").pair)
  end)
end)

describe("a selection", function()
  it("leaves indirect calls out", function()
    local m = support.model("0 INDIR { int|sys||syscall(int code, "
      .. "... register_t args[MAX]); }\n1 STD { int|sys||a(void); }\n")
    assert.equal(1, #m.calls)
  end)

  it("declares the newest of several", function()
    local m = support.model("1 STD { int|sys||vfork(void); }\n"
      .. "2 STD { int|sys|14|vfork(void); }\n"
      .. "3 COMPAT_30 { int|sys|20|vfork(void); }\n")
    assert.is_false(m.calls[1].declared)
    assert.is_true(m.calls[2].declared)
    assert.is_false(m.calls[3].declared)
  end)

  it("gives a shared handler one owner", function()
    local m = support.model("1 NOARGS { int|sys||a(int b); } c\n"
      .. "2 STD { int|sys||a(int b); }\n")
    assert.is_false(m.calls[1].owns_handler)
    assert.is_true(m.calls[2].owns_handler)
    local alone = model.select(m, function(call)
      return call.type == "NOARGS"
    end)
    assert.is_true(alone.calls[1].owns_handler)
  end)

  it("keeps the directives around its calls and no others", function()
    local m = support.model("#if A\n1 STD { int|sys||a(void); }\n#else\n"
      .. "1 OBSOL b\n#endif\n#if B\n2 OBSOL c\n#ifdef C\n#endif\n#endif\n"
      .. "3 STD { int|sys||d(void); }\n")
    local seen = {}
    for _, item in ipairs(m.items) do
      seen[#seen + 1] = item.directive or item.call.name
    end
    assert.same({ "#if A", "a", "#else", "#endif", "d" }, seen)
  end)
end)

describe("the layout", function()
  local function hex(text)
    return (text:gsub(".", function(c) return ("%02x"):format(c:byte()) end))
  end

  it("gives each argument a slot", function()
    local call = support.call("1 STD { int|sys||a(int fd, int PAD, "
      .. "off_t pos, int c, ... void *p); }")
    local offsets = {}
    for i, arg in ipairs(call.args) do
      offsets[i] = arg.offset
    end
    assert.same({ 0, 8, 16, 24, 32 }, offsets)
    assert.equal(40, call.argsize)
  end)

  it("gives a call without arguments none", function()
    assert.equal(0, support.call("1 STD { int|sys||a(void); }").argsize)
  end)

  it("never extends a sign beyond the value's size", function()
    local call = support.call("1 STD { int|sys||a(int i, mode_t m, short s, "
      .. "char c, off_t o, void *p, int PAD); }")
    local body = layout.body(call, { -1, -1, -2, -3, -4, 0x7ffe12345678, 0 })
    assert.equal("ffffffff00000000" .. "ffffffff00000000"
      .. "feff000000000000" .. "fd00000000000000" .. "fcffffffffffffff"
      .. "78563412fe7f0000" .. "0000000000000000", hex(body))
  end)

  -- Bytes that NetBSD's own client was seen to send.
  it("is NetBSD's", function()
    local lseek = support.call("199 STD RUMP { off_t|sys||lseek(int fd, "
      .. "int PAD, off_t offset, int whence); }")
    assert.equal("03000000000000000000000000000000"
      .. "fdffffffffffffff0200000000000000",
      hex(layout.body(lseek, { 3, 0, -3, 2 })))
    local close = support.call("6 STD RUMP { int|sys||close(int fd); }")
    assert.equal("ffffffff00000000", hex(layout.body(close, { -1 })))
    local open = support.call("5 STD RUMP { int|sys||open(const char *path, "
      .. "int flags, ... mode_t mode); }")
    assert.equal("2b0025d82756000002020000000000008001000000000000",
      hex(layout.body(open, { 0x5627d825002b, 0x202, 0x180 })))
  end)

  it("knows the wire class of types", function()
    local call = support.call("1 STD { int|sys||a(timer_t t, dev_t d, "
      .. "u_long l, socklen_t s, intptr_t p, uint16_t h, struct x **q); }")
    local wire = {}
    for i, arg in ipairs(call.args) do
      wire[i] = arg.class.wire
    end
    assert.same({ "int32_t", "uint64_t", "uint64_t", "uint32_t", "int64_t",
      "uint16_t", "rump_uaddr_t" }, wire)
  end)
end)
