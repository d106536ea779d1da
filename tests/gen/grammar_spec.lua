local diagnostics = require "gen.diagnostics"
local grammar = require "gen.grammar_netbsd"
local support = require "tests.gen.support"

local function parse(text)
  local diag = diagnostics.new("list", text)
  return grammar.parse(text, diag), diag:lines()
end

-- The one item of a list, which must be right.
local function item(entry)
  local items, lines = parse(support.HEADER .. entry .. "\n")
  assert.same({}, lines)
  assert.equal(1, #items)
  return items[1]
end

describe("the header", function()
  it("is everything before %%", function()
    local items, lines = parse("\t$NetBSD$\n\n; comment\n#ifdef X\n"
      .. "#include <sys/x.h>\n#endif\n%%\n1\tUNIMPL\n")
    assert.same({}, lines)
    assert.equal(1, #items)
  end)

  it("holds nothing else", function()
    local _, lines = parse("first line\n  int x;\n%%\n")
    assert.same({ "list:2:3: error: before %% stand only comments and "
      .. "#include, not 'int'" }, lines)
  end)

  it("closes what it opens", function()
    local _, lines = parse("x\n#if X\n%%\n#endif\n")
    assert.same({ "list:2:1: error: never closed by #endif: '#if'",
      "list:4:1: error: no #if is open for '#endif'" }, lines)
  end)

  it("has to end", function()
    local _, lines = parse("first line\n; comment\n1 UNIMPL\n2 UNIMPL\n")
    assert.same({ "list:1:1: error: no line of two percent signs ends the "
      .. "header of 'list'" }, lines)
  end)
end)

describe("an entry", function()
  for _, kind in ipairs { "OBSOL", "UNIMPL", "IGNORED", "EXCL" } do
    it("of type " .. kind .. " has a comment", function()
      local entry = item("11\t" .. kind .. "\t\t4.2 old { thing } ")
      assert.equal(kind, entry.type.text)
      assert.equal("11", entry.number.text)
      assert.is_nil(entry.prototype)
      assert.is_truthy(entry.comment:find("4.2 old", 1, true))
    end)

    it("of type " .. kind .. " may have none", function()
      assert.equal(kind, item("11 " .. kind).type.text)
    end)
  end

  for _, kind in ipairs { "STD", "NODEF", "NOARGS", "INDIR", "NOERR",
      "EXTERN", "COMPAT_09", "COMPAT_43", "COMPAT_50" } do
    it("of type " .. kind .. " has a prototype", function()
      local entry = item("3\t" .. kind .. " { int|sys||foo(int a); }")
      assert.equal(kind, entry.type.text)
      assert.equal("foo", entry.prototype.name.text)
      assert.equal("sys", entry.prototype.prefix.text)
      assert.equal("", entry.prototype.compat.text)
      assert.is_nil(entry.prototype.rump)
    end)
  end

  it("may be MODULAR and RUMP, in this order", function()
    local proto = item("1 STD MODULAR aio RUMP { int|sys||f(void); }").prototype
    assert.equal("aio", proto.modular.text)
    assert.is_true(proto.rump)
    local errors = support.errors("1 STD RUMP MODULAR aio { int|sys||f(void); }")
    assert.same({ "list:3:12: error: expected '{', got 'MODULAR'" }, errors)
  end)

  -- So until NetBSD 6.
  it("may be MODULAR without a name", function()
    local proto = item("1 STD MODULAR RUMP { int|sys||f(void); }").prototype
    assert.is_nil(proto.modular)
    assert.is_true(proto.rump)
    assert.is_nil(item("1 STD MODULAR { int|sys||f(void); }").prototype.rump)
  end)

  it("has a compat number", function()
    local proto = item("1 STD { int|sys|50|stat(int a); }").prototype
    assert.equal("50", proto.compat.text)
  end)

  it("has an alias, directly behind the brace too", function()
    assert.equal("getpid",
      item("1 STD { int|sys||f(void); } getpid").prototype.alias.text)
    assert.equal("olseek",
      item("1 STD { int|sys||f(void); }\\\n\tolseek").prototype.alias.text)
  end)

  it("goes on after a backslash at the end of the line", function()
    local proto = item("1 STD \\\n { int|sys|| \\\n f(int\\\n a, \\\n"
      .. " struct \\\n stat *ub); }").prototype
    assert.equal(2, #proto.args)
    assert.same({ "struct", "stat", "*", "ub" }, (function()
      local words = {}
      for _, t in ipairs(proto.args[2].tokens) do
        words[#words + 1] = t.text
      end
      return words
    end)())
  end)

  it("has varargs, padding and arrays", function()
    local args = item("1 STD { int|sys||f(int PAD, ... mode_t m[MAX]); }")
      .prototype.args
    assert.is_nil(args[1].varargs)
    assert.is_true(args[2].varargs)
    assert.equal("MAX", args[2].array.text)
  end)

  it("has annotations before types", function()
    local proto = item("1 STD { _Errno_ int|sys||f(_In_reads_bytes_(n) "
      .. "const void *p, _Out_writes_( *q ) int *r); }").prototype
    assert.equal("_Errno_", proto.annotations[1].word)
    assert.equal("_In_reads_bytes_", proto.args[1].annotations[1].word)
    assert.equal("n", proto.args[1].annotations[1].operand.text)
    assert.equal("_Out_writes_", proto.args[2].annotations[1].word)
  end)

  it("knows its place", function()
    local _, lines = parse("x\n%%\n; c\n\n  7 STD { int|sys||f(int a) }\n")
    assert.same({ "list:5:29: error: expected ';', got '}'" }, lines)
  end)
end)

describe("a wrong entry", function()
  local cases = {
    { "x STD", "3:1: error: expected a syscall number, got 'x'" },
    { "1", "3:2: error: expected a type, got 'end of line'" },
    { "1 STDD { int|sys||f(void); }",
      "3:3: error: unknown type 'STDD' (did you mean 'STD'?)" },
    { "1 COMPAT_ { int|sys||f(void); }",
      "3:3: error: unknown type 'COMPAT_' (did you mean 'COMPAT_09'?)" },
    { "1 STD RUMPP { int|sys||f(void); }",
      "3:7: error: expected '{', got 'RUMPP' (did you mean 'RUMP'?)" },
    { "1 STD { int sys||f(void); }",
      "3:17: error: expected a prefix, got '|'" },
    { "1 STD { int|sys|f(void); }", "3:17: error: expected '|', got 'f'" },
    { "1 STD { int|sys||(void); }",
      "3:18: error: expected the call's name, got '('" },
    { "1 STD { int|sys||f(); }",
      "3:20: error: expected a type and a name, got ')'" },
    { "1 STD { int|sys||f(int a,); }",
      "3:26: error: expected a type and a name, got ')'" },
    { "1 STD { int|sys||f(int a; }", "3:25: error: expected ')', got ';'" },
    { "1 STD { int|sys||f(void); ",
      "3:27: error: expected '}', got 'end of line'" },
    { "1 STD { int|sys||f(void); } a b",
      "3:31: error: expected the end of the entry, got 'b'" },
    { "1 STD { int|sys||f(int \\\n\t a b, int); } \\ ",
      "4:16: error: expected the end of the entry, got '\\'" },
  }
  for _, case in ipairs(cases) do
    it(case[1], function()
      assert.same({ "list:" .. case[2] }, support.errors(case[1]))
    end)
  end

  it("is shown as a terminal can show it", function()
    assert.same({
      "list:3:1: error: expected a syscall number, got '\\x00'",
      "list:4:1: error: expected a syscall number, got '\xc3\xa9'",
      "list:5:1: error: expected a syscall number, got '\\xe9'",
      "list:6:1: error: expected a syscall number, got '\\x1b'",
      "list:7:3: error: unknown type '" .. ("x"):rep(60) .. "...'",
    }, support.errors("\0\n\xc3\xa9\n\xe9\n\27\n8 " .. ("x"):rep(1e6)))
  end)

  it("cannot end in a continuation", function()
    local expected = { "list:3:29: error: nothing follows the line continued "
      .. "with '\\'" }
    for _, ending in ipairs { "", "\n", "\r\n" } do
      assert.same(expected, support.errors("1 STD { int|sys||f(int a); }\\"
        .. ending))
    end
  end)

  it("does not hide the next", function()
    local errors = support.errors("1 STDD\n2 STD { int|sys||f(int); }\n"
      .. "3 STD { int|sys||g(int a) }\n4 STD { int|sys||h(void); }\n")
    assert.same({
      "list:3:3: error: unknown type 'STDD' (did you mean 'STD'?)",
      "list:4:20: error: expected an argument's name, got 'int'",
      "list:5:27: error: expected ';', got '}'",
    }, errors)
  end)
end)

describe("directives", function()
  it("stay around what they guard", function()
    local items, lines = parse(support.HEADER .. "#if !defined(_LP64)\n"
      .. "1 OBSOL a\n#else /* x */\n1 OBSOL b\n# endif\n")
    assert.same({}, lines)
    local kinds = {}
    for _, it in ipairs(items) do
      kinds[#kinds + 1] = it.text or it.comment
    end
    assert.same({ "#if !defined(_LP64)", "a", "#else /* x */", "b", "#endif" },
      kinds)
  end)

  it("are all known", function()
    local _, lines = parse(support.HEADER .. "#ifdef A\n#elif defined(B)\n"
      .. "#endif\n#ifndef C\n#endif\n#include \"x.h\"\n")
    assert.same({}, lines)
  end)

  local cases = {
    { "#esle", "3:2: error: unknown directive 'esle' (did you mean 'else'?)" },
    { "#else", "3:1: error: no #if is open for '#else'" },
    { "#endif", "3:1: error: no #if is open for '#endif'" },
    { "#if X", "3:1: error: never closed by #endif: '#if'" },
    { "#if X\n#else\n#elif Y\n#endif",
      "5:1: error: after #else there is no '#elif'" },
    { "#if /* never */\n#endif",
      "3:5: error: expected a condition, got 'end of line'" },
    { "#ifdef A B\n#endif", "3:8: error: expected a name, got 'A B'" },
    { "#if X\n#endif X", "4:8: error: expected the end of the line, got 'X'" },
    { "#include x.h",
      "3:10: error: expected a header in <> or \"\", got 'x.h'" },
  }
  for _, case in ipairs(cases) do
    it("complain: " .. case[1]:gsub("\n", " "), function()
      assert.same({ "list:" .. case[2] }, support.errors(case[1]))
    end)
  end
end)

describe("a list from elsewhere", function()
  local LIST = "\tx\n%%\n1 STD { int|sys||f(int a, \\\n int b); }\n#if X\n"
    .. "2 UNIMPL\\\n more\n#endif\n"

  -- The items without their places.
  local function read(text)
    local items, lines = parse(text)
    assert.same({}, lines)
    local seen = {}
    for i, it in ipairs(items) do
      seen[i] = it.text or it.comment or #it.prototype.args
    end
    return seen
  end

  it("may have CRLF lines", function()
    assert.same(read(LIST), read((LIST:gsub("\n", "\r\n"))))
    local _, lines = parse("x\r\n%%\r\n1 STD {\r\n2\r\n")
    assert.same({ "list:3:9: error: expected a return type, got 'end of line'",
      "list:4:3: error: expected a type, got 'end of line'" }, lines)
  end)

  it("may begin with a byte order mark", function()
    assert.same({ "#if X", "#endif" }, read("\xef\xbb\xbf%%\n#if X\n#endif"))
  end)
end)
