local suggest = require "gen.suggest"

describe("suggest", function()
  it("counts edits, a swap as one", function()
    assert.equal(0, suggest.distance("size_t", "size_t"))
    assert.equal(1, suggest.distance("sizet", "size_t"))
    assert.equal(1, suggest.distance("szie_t", "size_t"))
    assert.equal(3, suggest.distance("", "abc"))
    assert.equal(3, suggest.distance("kitten", "sitting"))
  end)

  it("finds the nearest word", function()
    assert.equal("mode_t", suggest.closest("mod_t", { "uid_t", "mode_t" }))
    assert.equal("STD", suggest.closest("std", { "STD", "OBSOL" }))
  end)

  it("finds what was cut short at the end", function()
    assert.equal("ssize_t", suggest.closest("ssize", { "size_t", "ssize_t" }))
    assert.equal("_In_z_", suggest.closest("_In_z", { "_In_", "_In_z_" }))
  end)

  it("keeps quiet when nothing is near, or it is the word itself", function()
    assert.is_nil(suggest.closest("frobnicate", { "uid_t", "mode_t" }))
    assert.is_nil(suggest.closest("uid_t", { "uid_t" }))
  end)

  it("does not ponder long words", function()
    assert.is_nil(suggest.closest(("a"):rep(1e7), { "uid_t", "mode_t" }))
  end)

  it("decides ties by the alphabet, not by the order", function()
    assert.equal("gid_t", suggest.closest("xid_t", { "uid_t", "gid_t" }))
    assert.equal("gid_t", suggest.closest("xid_t", { "gid_t", "uid_t" }))
  end)
end)
