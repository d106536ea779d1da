#!/usr/bin/env lua5.4
-- The table of what a kernel serves, from the handlers really linked into it
-- and the notes that its sources carry.

local here = arg[0]:match("^(.*)/[^/]*$") or "."
local root = here .. "/.."
package.path = root .. "/?.lua;" .. package.path

local argparse = require "argparse"
local check = require "gen.check"
local diagnostics = require "gen.diagnostics"
local grammar = require "gen.grammar_netbsd"
local handlers = require "gen.handlers"
local model = require "gen.model"
local render = require "gen.render"
local write = require "gen.write"

local EXIT_STALE, EXIT_USAGE = 1, 2

local function fail(status, message)
  io.stderr:write("served: ", message, "\n")
  os.exit(status)
end

local function parse_arguments()
  local parser = argparse("served")
    :description("Writes the table of served, partial and absent calls of a "
      .. "kernel.")
    :epilog("Exit status: 0 done, 1 a note or the list is wrong or --check "
      .. "found the table stale, 2 wrong usage.")
  parser:argument("list", "The list, in NetBSD's format.")
  parser:argument("source", "The kernel's sources, for their notes."):args("+")
  parser:option("--object", "The linked kernel; nm(1) says which handlers it "
    .. "has."):count("0-1")
  parser:option("--symbols", "What nm(1) printed, instead of --object.")
  parser:option("-o --output", "The file to write.", "docs/served.md")
  parser:flag("--check", "Write nothing; exit 1 if the file is stale.")
  local ok, options = parser:pparse()
  if not ok then
    fail(EXIT_USAGE, options .. "\n" .. parser:get_usage())
  end
  if (options.object == nil) == (options.symbols == nil) then
    fail(EXIT_USAGE, "one of --object and --symbols is needed (try --help)")
  end
  return options
end

local function read(name)
  local file, message = io.open(name, "rb")
  local text = file and file:read("a")
  if not text then
    fail(EXIT_USAGE, "cannot read " .. (message or name))
  end
  file:close()
  return text
end

local function nm(object)
  local quoted = "'" .. object:gsub("'", "'\\''") .. "'"
  local pipe = assert(io.popen("nm -g " .. quoted, "r"))
  local text = pipe:read("a")
  if not pipe:close() then
    fail(EXIT_USAGE, "nm cannot read " .. object)
  end
  return text
end

-- The calls of the list that clients have.
local function load_calls(name)
  local text = read(name)
  local diag = diagnostics.new(name, text)
  local m = model.build(grammar.parse(text, diag), diag)
  check.run(m, diag)
  if diag.errors > 0 then
    fail(EXIT_STALE, table.concat(diag:lines(), "\n"))
  end
  return model.select(m, function(call) return call.rump end).calls
end

local function load_notes(sources)
  local notes = {}
  for _, name in ipairs(sources) do
    for _, note in ipairs(handlers.notes(name, read(name))) do
      notes[#notes + 1] = note
    end
  end
  return notes
end

local function main()
  local options = parse_arguments()
  local linked = handlers.linked(options.symbols and read(options.symbols)
    or nm(options.object))
  local rows, problems = handlers.table(load_calls(options.list), linked,
    load_notes(options.source))
  if #problems > 0 then
    fail(EXIT_STALE, table.concat(problems, "\n"))
  end
  local folder, name = options.output:match("^(.*)/([^/]*)$")
  local files = { { path = name or options.output,
    text = render.from(root .. "/templates")("served.md.tmpl",
      { rows = rows, count = handlers.count(rows) }) } }
  folder = folder or "."
  if options.check then
    if #write.stale(folder, files, {}) > 0 then
      fail(EXIT_STALE, options.output .. ": not up to date")
    end
    return
  end
  local ok, message = pcall(write.update, folder, files, {})
  if not ok then
    fail(EXIT_STALE, tostring(message))
  end
end

main()
