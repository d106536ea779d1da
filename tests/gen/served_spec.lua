-- The table of what a kernel serves.

local handlers = require "gen.handlers"
local support = require "tests.gen.support"

local LIST = [[
3 STD RUMP { int|sys||read(int fd); }
4 STD RUMP { int|sys||write(int fd); }
5 STD RUMP { int|sys|50|mount(int how); }
6 COMPAT_50 RUMP { int|sys||mknod(int how); }
7 STD { int|sys||quiet(void); }
]]

local SYMBOLS = [[
0000000000000000 T sys_read
0000000000000010 T sys___mount50
                 w compat_50_sys_mknod
                 U sys_write
0000000000000020 t sys_hidden
]]

local NOTES = [[
/* @partial sys_read: only half | of it */
int sys_read(void);
/* @absent sys___mount50: EOPNOTSUPP */
]]

local function calls()
  return support.model(LIST:gsub("7 STD.-\n", "")).calls
end

local function rows(symbols, notes)
  return handlers.table(calls(), handlers.linked(symbols),
    handlers.notes("a.c", notes))
end

local function statuses(table_of_rows)
  local list = {}
  for i, row in ipairs(table_of_rows) do
    list[i] = row.name .. "=" .. row.status
  end
  return table.concat(list, " ")
end

describe("handlers", function()
  it("takes defined functions alone from nm", function()
    assert.same({ sys_read = true, sys___mount50 = true },
      handlers.linked(SYMBOLS))
  end)

  it("takes nm's output of several objects", function()
    assert.same({ sys_read = true, sys_write = true }, handlers.linked(
      "\na.o:\n0000000000000000 T sys_read\n\nb.o:\n"
      .. "0000000000000000 T sys_write\n"))
  end)

  it("reads notes with their place", function()
    assert.same({
      { kind = "partial", handler = "sys_read", why = "only half | of it",
        file = "a.c", line = 1, malformed = false },
      { kind = "absent", handler = "sys___mount50", why = "EOPNOTSUPP",
        file = "a.c", line = 3, malformed = false },
    }, handlers.notes("a.c", NOTES))
  end)

  it("tells what is served from what is not", function()
    local table_of_rows, problems = rows(SYMBOLS, NOTES)
    assert.same({}, problems)
    assert.equal("read=partial write=absent __mount50=absent "
      .. "compat_50_mknod=absent", statuses(table_of_rows))
    assert.equal("only half | of it", table_of_rows[1].how)
    assert.equal("ENOSYS", table_of_rows[2].how)
    assert.same({ all = 4, served = 0, partial = 1, absent = 3 },
      handlers.count(table_of_rows))
  end)

  it("serves what is linked and has no note", function()
    local table_of_rows = rows(SYMBOLS, "")
    assert.equal("read=served write=absent __mount50=served "
      .. "compat_50_mknod=absent", statuses(table_of_rows))
  end)

  it("finds what is wrong with notes, each with its place", function()
    local _, problems = rows(SYMBOLS, [[
/* @partial sys_raed: a typo */
/* @partial sys_write: not linked */
/* @absent sys_read: once */
/* @partial sys_read: twice */
/* @partial sys_read */
]])
    assert.same({
      "a.c:1: no call has the handler 'sys_raed' (did you mean 'sys_read'?)",
      "a.c:2: 'sys_write' is partial but not linked",
      "a.c:4: 'sys_read' has a note already, at a.c:3",
      "a.c:5: a note reads '@partial HANDLER: WHY' on one line",
    }, problems)
  end)
end)

describe("served", function()
  local folder, output

  before_each(function()
    folder = support.temporary_folder()
    output = folder .. "/docs/served.md"
    support.write_file(folder .. "/my.master", support.HEADER .. LIST)
    support.write_file(folder .. "/symbols", SYMBOLS)
    support.write_file(folder .. "/a.c", NOTES)
  end)

  after_each(function()
    support.remove(folder)
  end)

  local function run(arguments)
    return support.shell(("lua5.4 gen/served.lua %s/my.master %s/a.c -o %s %s "
      .. "2>&1"):format(folder, folder, output, arguments))
  end

  it("writes the table of the calls that clients have", function()
    local status, text = run("--symbols " .. folder .. "/symbols")
    assert.equal("", text)
    assert.equal(0, status)
    text = support.read_file(output)
    assert.truthy(text:find("| 3 | `read` | partial | only half \\| of it |",
      1, true))
    assert.truthy(text:find("| 4 | `write` | absent | ENOSYS |", 1, true))
    assert.truthy(text:find("Of 4 calls 0 are served", 1, true))
    assert.falsy(text:find("quiet", 1, true))
  end)

  it("writes the same again, and --check says so", function()
    local with = "--symbols " .. folder .. "/symbols"
    run(with)
    local before = support.read_file(output)
    assert.equal(0, (run(with .. " --check")))
    run(with)
    assert.equal(before, support.read_file(output))
    support.write_file(folder .. "/a.c", "")
    local status, text = run(with .. " --check")
    assert.equal(1, status)
    assert.truthy(text:find("not up to date", 1, true))
    assert.equal(before, support.read_file(output))
  end)

  it("writes nothing when a note is wrong", function()
    support.write_file(folder .. "/a.c", "/* @absent sys_raed: x */\n")
    local status, text = run("--symbols " .. folder .. "/symbols")
    assert.equal(1, status)
    assert.truthy(text:find("a.c:1: no call has the handler 'sys_raed'", 1,
      true))
    assert.is_nil(support.read_file(output))
  end)

  it("asks nm about an object", function()
    support.write_file(folder .. "/k.c", "int sys_write(void);"
      .. "int sys_write(void) { return 0; }"
      .. "int sys_read(void); int sys_read(void) { return 0; }")
    assert.equal(0, (support.shell(("cd %s && gcc -c k.c -o k.o"):format(
      folder))))
    local status, text = run("--object " .. folder .. "/k.o")
    assert.equal("", text)
    assert.equal(0, status)
    assert.truthy(support.read_file(output):find("| `write` | served |", 1,
      true))
  end)

  it("wants to be told where the handlers are", function()
    local status, text = run("")
    assert.equal(2, status)
    assert.truthy(text:find("--object and --symbols", 1, true))
    assert.equal(2, (run("--object " .. folder .. "/none.o")))
  end)
end)
