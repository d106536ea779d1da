local support = require "tests.gen.support"

-- What is known of the memory behind argument `index` of a call.
local function memory(args, index)
  local call = support.call(("1 STD { int|sys||a(%s); }"):format(args))
  return call.args[index or 1].memory
end

local function errors(args)
  return support.errors(("1 STD { int|sys||a(%s); }"):format(args))
end

describe("one object", function()
  for word, dir in pairs { _In_ = "in", _Out_ = "out", _Inout_ = "inout" } do
    it(word, function()
      assert.same({ dir = dir, opt = false, extent = "object", unit = 152 },
        memory(word .. " struct stat *st"))
    end)
  end
  for word, dir in pairs { _In_opt_ = "in", _Out_opt_ = "out",
      _Inout_opt_ = "inout" } do
    it(word, function()
      assert.same({ dir = dir, opt = true, extent = "object", unit = 4 },
        memory(word .. " socklen_t *len"))
    end)
  end

  it("has to have a size", function()
    assert.same({ "list:3:20: error: the size of 'struct mine' is not known, "
      .. "say it in bytes: '_In_'" }, errors("_In_ struct mine *p"))
    assert.same({ "list:3:20: error: the size of 'void' is not known, "
      .. "say it in bytes: '_Out_'" }, errors("_Out_ void *p"))
  end)
end)

describe("counted memory", function()
  it("counts objects", function()
    assert.same({ dir = "in", opt = false, extent = "count", unit = 40,
      arg = 2, through_pointer = false },
      memory("_In_reads_(n) const struct kevent *p, size_t n"))
    assert.same({ dir = "out", opt = true, extent = "count", unit = 4,
      number = 2 }, memory("_Out_writes_opt_(2) int *fildes"))
  end)

  it("counts bytes", function()
    assert.same({ dir = "inout", opt = true, extent = "bytes", unit = 1,
      arg = 2, through_pointer = false },
      memory("_Inout_updates_bytes_opt_(n) void *p, size_t n"))
  end)

  it("counts as many as another argument points at", function()
    assert.same({ dir = "out", opt = false, extent = "bytes", unit = 1,
      arg = 2, through_pointer = true },
      memory("_Out_writes_bytes_(*alen) struct sockaddr *asa, "
        .. "_Inout_ socklen_t *alen"))
  end)

  it("needs an argument that is there", function()
    assert.same({ "list:3:39: error: no argument is called 'nbytes' (did you "
      .. "mean 'nbyte'?)" },
      errors("_Out_writes_bytes_(nbytes) void *p, size_t nbyte"))
  end)

  it("needs a length, not a pointer", function()
    assert.same({ "list:3:31: error: an extent cannot be a pointer; write a "
      .. "star before 'n'" }, errors("_In_reads_(n) int *p, _In_ int *n"))
    assert.same({ "list:3:31: error: not a pointer: '*n'" },
      errors("_In_reads_(*n) int *p, int n"))
    assert.same({ "list:3:31: error: does not point at a length: '*n'" },
      errors("_In_reads_(*n) int *p, _In_z_ char *n"))
  end)

  it("has an end", function()
    assert.equal(2147483644, 4 * memory("_In_reads_(536870911) int *p").number)
    for _, n in ipairs { "536870912", "99999999999999999999" } do
      assert.same({ "list:3:31: error: more memory than a call can name: '"
        .. n .. "'" }, errors(("_In_reads_(%s) int *p"):format(n)))
    end
  end)

  it("needs its parentheses", function()
    assert.same({ "list:3:20: error: needs a name in parentheses: "
      .. "'_In_reads_'" }, errors("_In_reads_ int *p"))
    assert.same({ "list:3:25: error: _In_ takes nothing in parentheses, "
      .. "not 'n'" }, errors("_In_(n) int *p, int n"))
  end)
end)

describe("other extents", function()
  local cases = {
    { "_In_z_ const char *p", { dir = "in", extent = "string" } },
    { "_In_opt_z_ const char *p",
      { dir = "in", opt = true, extent = "string" } },
    { "_In_iovec_(n) const struct iovec *p, int n",
      { dir = "in", extent = "iovec", arg = 2, through_pointer = false } },
    { "_Out_iovec_(n) const struct iovec *p, int n",
      { dir = "out", extent = "iovec", arg = 2, through_pointer = false } },
    { "_In_msghdr_ const struct msghdr *p", { dir = "in",
      extent = "msghdr" } },
    { "_Inout_msghdr_ struct msghdr *p", { dir = "inout",
      extent = "msghdr" } },
    { "_In_mmsghdr_(n) struct mmsghdr *p, u_int n",
      { dir = "in", extent = "mmsghdr", arg = 2, through_pointer = false } },
    { "_Inout_ioctl_(n) void *p, u_long n",
      { dir = "inout", extent = "ioctl", arg = 2, through_pointer = false } },
    { "_Inout_fcntl_(n) void *p, int n",
      { dir = "inout", extent = "fcntl", arg = 2, through_pointer = false } },
    { "_In_sysctl_(n) const void *p, size_t n", { dir = "in", opt = true,
      extent = "sysctl", arg = 2, through_pointer = false } },
    { "_Inout_fdset_(n) fd_set *p, int n", { dir = "inout", opt = true,
      extent = "fdset", arg = 2, through_pointer = false } },
    { "_Inout_aiocb_ struct aiocb *p", { dir = "inout", extent = "aiocb" } },
    { "_In_aiocblist_(n) struct aiocb *const *p, int n",
      { dir = "in", extent = "aiocblist", arg = 2, through_pointer = false } },
    { "_Unknown_ void *p", { dir = "inout", extent = "unknown" } },
  }
  for _, case in ipairs(cases) do
    it(case[1], function()
      local expected = case[2]
      expected.unit, expected.opt = 1, expected.opt or false
      assert.same(expected, memory(case[1]))
    end)
  end

  it("take an argument's name only", function()
    assert.same({ "list:3:31: error: _In_iovec_ takes an argument's name, "
      .. "not '4'" }, errors("_In_iovec_(4) struct iovec *p"))
  end)
end)

describe("how integers print", function()
  it("is told by name", function()
    local call = support.call("1 STD { int|sys||a(_Fd_ int fd, "
      .. "_Flags_(open) int flags, _Enum_(whence) int how, int n); }")
    assert.equal("fd", call.args[1].prints)
    assert.equal("flags", call.args[2].prints)
    assert.equal("open", call.args[2].set)
    assert.equal("enum", call.args[3].prints)
    assert.equal("whence", call.args[3].set)
    assert.is_nil(call.args[4].prints)
  end)
end)

describe("annotations", function()
  it("have known words", function()
    assert.same({ "list:3:20: error: unknown annotation '_Out_write_' (did "
      .. "you mean '_Out_writes_'?)" }, errors("_Out_write_(2) int *p"))
    assert.same({ "list:3:20: error: unknown annotation '_In_z' (did you "
      .. "mean '_In_z_'?)" }, errors("_In_z const char *p"))
    assert.same({ "list:3:20: error: unknown annotation '_Errno_'" },
      errors("_Errno_ int a"))
  end)

  it("stand where they make sense", function()
    assert.same({ "list:3:20: error: is for a pointer, and 'a' is none: "
      .. "'_In_'" }, errors("_In_ int a"))
    assert.same({ "list:3:20: error: is for an integer, and 'a' is none: "
      .. "'_Fd_'" }, errors("_Fd_ int *a"))
    assert.same({ "list:3:25: error: 'a' has an extent already: '_Out_'" },
      errors("_In_ _Out_ int *a"))
    assert.same({ "list:3:20: error: 'a' points at const and is never "
      .. "written: '_Out_'" }, errors("_Out_ const int *a"))
  end)

  it("say that a result is an errno", function()
    assert.is_true(support.call(
      "1 NOERR { _Errno_ int|sys||a(void); }").returns_errno)
    assert.same({ "list:3:9: error: an error number is an int, not 'void *'" },
      support.errors("1 STD { _Errno_ void *|sys||a(void); }"))
    assert.same({ "list:3:9: error: not an annotation of a return type: "
      .. "'_Erno_' (did you mean '_Errno_'?)" },
      support.errors("1 STD { _Erno_ int|sys||a(void); }"))
  end)
end)
