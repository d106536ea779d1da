local support = require "tests.gen.support"

local function entry(number, name, args)
  return ("%d STD { int|sys||%s(%s); }\n"):format(number, name, args or "void")
end

describe("numbers", function()
  it("may leave gaps", function()
    assert.same({}, support.errors(entry(0, "a") .. entry(7, "b")))
  end)

  it("are unique", function()
    assert.same({ "list:4:1: error: number used twice: '3'" },
      support.errors(entry(3, "a") .. entry(3, "b")))
  end)

  it("are in order", function()
    assert.same({ "list:4:1: error: out of order after 3: '2'" },
      support.errors(entry(3, "a") .. entry(2, "b") .. entry(4, "c")))
  end)

  it("have an end", function()
    assert.same({}, support.errors(entry(65535, "a")))
    for _, number in ipairs { "65536", "99999999999999999999" } do
      assert.same({ "list:3:1: error: numbers end at 65535, before '"
        .. number .. "'" }, support.errors(number .. " UNIMPL\n"))
    end
  end)

  it("may be the same in the arms of a conditional", function()
    assert.same({}, support.errors("#if X\n" .. entry(3, "a") .. "#elif Y\n"
      .. entry(3, "b") .. "#else\n3 EXCL c\n#endif\n" .. entry(4, "d")))
  end)

  it("go on from the highest arm", function()
    assert.same({ "list:8:1: error: out of order after 5: '4'" },
      support.errors("#if X\n" .. entry(5, "a") .. "#else\n3 EXCL c\n#endif\n"
        .. entry(4, "d")))
  end)
end)

describe("names", function()
  it("are unique", function()
    assert.same({ "list:4:18: error: the same name as in line 3: 'a'" },
      support.errors(entry(1, "a") .. entry(2, "a")))
  end)

  it("are other names with another compat number", function()
    assert.same({}, support.errors(entry(1, "a")
      .. "2 STD { int|sys|50|a(void); }\n"
      .. "3 COMPAT_40 { int|sys||a(void); } olda\n"))
  end)

  it("may be the same in the arms of a conditional", function()
    assert.same({}, support.errors("#ifdef X\n" .. entry(1, "a")
      .. "#else\n" .. entry(1, "a", "int b") .. "#endif\n"))
  end)

  it("are seen behind the conditional", function()
    assert.same({ "list:6:18: error: the same name as in line 4: 'a'" },
      support.errors("#ifdef X\n" .. entry(1, "a") .. "#endif\n"
        .. entry(2, "a")))
  end)

  it("may meet in the client's symbol, which is an error", function()
    assert.same({ "list:4:18: error: the same client symbol as in line 3: "
      .. "'a50'" }, support.errors("1 STD { int|sys|50|a(void); }\n"
      .. "2 STD { int|sys||b(void); } a50\n"))
  end)

  it("may share a handler when the type says so", function()
    assert.same({}, support.errors(entry(1, "a", "int b")
      .. "2 NOARGS { int|sys||a(int b); } c\n"
      .. "3 NODEF { int|sys||a(int b); } d\n"))
  end)
end)

describe("names of several kinds", function()
  -- The error of a list's second line.
  local function clash(first, second)
    local errors = support.errors(("1 STD { int|sys|%s; }%s\n2 %s\n")
      :format(first[1], first[2] or "", second))
    assert.equal(1, #errors)
    return errors[1]:match("^list:4:%d+: error: (.*)$")
  end

  it("do not meet an alias's constant", function()
    assert.equal("the same name as in line 3: 'bar'", clash(
      { "50|foo(void)", " bar" }, "STD { int|sys||bar(void); }"))
  end)

  it("do not meet in the macro that renames", function()
    assert.equal("the same macro as in line 3: 'RUMP_SYS_RENAME_FOO'",
      clash({ "|foo(void)", " a" }, "STD { int|sys|50|foo(void); } b"))
    assert.equal("the same macro as in line 3: 'RUMP_SYS_RENAME_FOO'",
      clash({ "|foo(void)" }, "STD { int|sys||Foo(void); }"))
  end)

  it("do not give a handler two kinds of arguments", function()
    assert.equal("the same handler with other arguments as in line 3: "
      .. "'sys_foo'", clash({ "|foo(int a)" },
      "NOARGS { int|sys||foo(int a, int b); } bar"))
    assert.same({}, support.errors(entry(1, "foo", "const char *a, pid_t b")
      .. "2 NOARGS { int|sys||foo(void *a, int b); } bar\n"))
  end)
end)

describe("types", function()
  it("are known", function()
    assert.same({
      "list:3:20: error: unknown type 'mod_t' (did you mean 'mode_t'?)",
    }, support.errors(entry(1, "a", "mod_t mode")))
    assert.same({ "list:3:20: error: unknown type 'siez_t' (did you mean "
      .. "'size_t'?)" }, support.errors(entry(1, "a", "siez_t *len")))
    assert.same({ "list:3:9: error: unknown type 'ssiz_t' (did you mean "
      .. "'ssize_t'?)" }, support.errors("1 STD { ssiz_t|sys||a(void); }"))
  end)

  it("end in stars", function()
    assert.same({ "list:3:20: error: unknown type 'struct x *struct stat *'" },
      support.errors(entry(1, "a", "struct x *struct stat *st")))
    assert.same({}, support.errors(entry(1, "a", "char *const *const p")))
  end)

  it("are not structures by value", function()
    assert.same({ "list:3:20: error: travels only behind a pointer: "
      .. "'struct stat'" },
      support.errors(entry(1, "a", "struct stat st")))
  end)

  it("are any structure or union behind a pointer", function()
    assert.same({}, support.errors(entry(1, "a",
      "struct my *a, union our **b, const struct her *const *c")))
  end)

  it("are not looked at in indirect calls", function()
    assert.same({}, support.errors(
      "0 INDIR { int|sys||syscall(int code, ... register_t args[MAX]); }"))
  end)
end)

describe("arguments", function()
  it("have names of their own", function()
    assert.same({ "list:3:32: error: two arguments are called 'fd'" },
      support.errors(entry(1, "a", "int fd, int fd")))
  end)

  it("follow varargs", function()
    assert.same({ "list:3:27: error: no argument follows '...'" },
      support.errors(entry(1, "a", "int b, ...")))
  end)

  it("do not follow a varargs argument", function()
    assert.same({ "list:3:20: error: only the last argument can be varargs, "
      .. "not 'b'" }, support.errors(entry(1, "a", "... int b, int c")))
  end)

  it("leave varargs an argument to follow", function()
    local message = "error: before varargs there must be another argument: 'b'"
    assert.same({ "list:3:20: " .. message },
      support.errors(entry(1, "a", "... int b")))
    assert.same({ "list:3:29: " .. message },
      support.errors(entry(1, "a", "int PAD, ... int b")))
  end)

  it("are no varargs when C would change them", function()
    assert.same({ "list:3:31: error: next to '...' C wants int or wider, not "
      .. "'short'" }, support.errors(entry(1, "a", "int b, ... short c")))
    assert.same({ "list:3:20: error: next to '...' C wants int or wider, not "
      .. "'char'" }, support.errors(entry(1, "a", "char b, ... int c")))
    assert.same({ "list:3:27: error: padding cannot be varargs: 'PAD'" },
      support.errors(entry(1, "a", "int b, ... int PAD")))
  end)

  it("are not tags", function()
    assert.same({ "list:3:27: error: expected an argument's name, got 'stat'" },
      support.errors(entry(1, "a", "struct stat")))
  end)

  it("are not called as C's words and types are", function()
    for _, name in ipairs { "default", "size_t", "int" } do
      assert.same({ "list:3:29: error: expected an argument's name, got '"
        .. name .. "'" }, support.errors(entry(1, "a", "unsigned " .. name)))
    end
  end)

  it("are not endless", function()
    local args = {}
    for i = 1, 16 do
      args[i] = "int a" .. i
    end
    assert.same({}, support.errors(entry(1, "a", table.concat(args, ", "))))
    args[17] = "int one_too_many"
    assert.equal(1, #support.errors(entry(1, "a", table.concat(args, ", "))))
  end)
end)

describe("pointers without annotation", function()
  local plain = "1 STD RUMP { int|sys||a(char *b); }\n"

  it("are a warning in a list without any", function()
    local lines = support.read(plain)
    assert.same({ "list:3:25: warning: no pointer of this list is annotated, "
      .. "the extents of all are unknown; the first is 'b'" }, lines)
  end)

  it("are an error in a list with some", function()
    assert.same({
      "list:3:25: error: pointer argument without annotation: 'b'" },
      support.errors(plain
        .. "2 STD RUMP { int|sys||c(_In_z_ const char *d); }\n"))
  end)

  it("are an error when one asks for it", function()
    assert.same({
      "list:3:25: error: pointer argument without annotation: 'b'" },
      support.errors(plain, true))
  end)

  it("do not matter outside RUMP", function()
    assert.same({}, support.errors("1 STD { int|sys||a(char *b); }\n", true))
  end)
end)

describe("errors", function()
  it("all come, in the list's order", function()
    assert.same({
      "list:3:20: error: unknown type 'in' (did you mean 'int'?)",
      "list:4:3: error: unknown type 'STDD' (did you mean 'STD'?)",
      "list:5:1: error: number used twice: '1'",
      "list:5:18: error: the same name as in line 3: 'a'",
      "list:5:20: error: unknown annotation '_Inn_' (did you mean '_In_'?)",
    }, support.errors(entry(1, "a", "in x") .. "2 STDD\n"
      .. entry(1, "a", "_Inn_ int *b")))
  end)
end)
