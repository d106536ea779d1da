local support = require "tests.gen.support"
local types = require "gen.types"

describe("a pointer type", function()
  it("tells what it points at", function()
    assert.equal("struct stat", types.pointee("const struct stat *"))
    assert.equal("char", types.pointee("char *"))
    assert.equal("char *const", types.pointee("char *const *"))
  end)

  it("tells whether that can be written", function()
    assert.is_true(types.points_at_const("const char *"))
    assert.is_false(types.points_at_const("char *"))
    assert.is_true(types.points_at_const("char *const *"))
    assert.is_false(types.points_at_const("const char **"))
  end)

  it("tells that object's size", function()
    assert.equal(8, types.pointee_size("char *const *"))
    assert.equal(4, types.pointee_size("socklen_t *"))
    assert.is_nil(types.pointee_size("void *"))
    assert.is_nil(types.pointee_size("struct mine *"))
  end)

  it("tells the tag that needs a declaration", function()
    assert.equal("struct stat", types.tag("const struct stat *"))
    assert.equal("union __semun", types.tag("union __semun *"))
    assert.is_nil(types.tag("sigset_t *"))
  end)
end)

-- The sizes the extents rest on are those of the runtime's own structures.
describe("the sizes of structures", function()
  it("are those of <rump/rumpdefs.h>", function()
    local folder = support.temporary_folder()
    local lines = { "#include <assert.h>", "#include <rump/rumpdefs.h>" }
    for _, name in ipairs { "aiocb", "iovec", "itimerspec", "itimerval",
        "kevent", "mmsghdr", "msghdr", "pollfd", "rlimit", "sigevent",
        "stat", "stat30", "statvfs", "timespec", "timespec50", "timeval",
        "timeval50" } do
      lines[#lines + 1] = ("static_assert(sizeof(struct rump_%s) == %d, "
        .. "\"%s\");"):format(name, types.pointee_size("struct " .. name
        .. " *"), name)
    end
    support.write_file(folder .. "/sizes.c", table.concat(lines, "\n") .. "\n")
    local status, output = support.shell(("cc -std=gnu11 -fsyntax-only "
      .. "-Iruntime/include %s/sizes.c"):format(folder))
    support.remove(folder)
    assert.equal("", output)
    assert.equal(0, status)
  end)
end)
