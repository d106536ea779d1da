#!/usr/bin/env lua5.4
-- The command line: a list in, everything generated from it out.

local here = arg[0]:match("^(.*)/[^/]*$") or "."
local root = here .. "/.."
package.path = root .. "/?.lua;" .. package.path

local argparse = require "argparse"
local check = require "gen.check"
local diagnostics = require "gen.diagnostics"
local grammar = require "gen.grammar_netbsd"
local layout = require "gen.layout"
local listing = require "gen.listing"
local model = require "gen.model"
local outputs = require "gen.outputs"
local render = require "gen.render"
local suggest = require "gen.suggest"
local write = require "gen.write"

local EXIT_LIST, EXIT_USAGE = 1, 2

local function fail(status, message)
  io.stderr:write(message, "\n")
  os.exit(status)
end

local function usage_error(message)
  fail(EXIT_USAGE, "rumpgen: " .. message)
end

local function split(text)
  local words = {}
  for word in text:gmatch("[^,%s]+") do
    words[#words + 1] = word
  end
  return words
end

local function parse_arguments()
  local parser = argparse("rumpgen")
    :description("Generates a remote-system-call system's code from a "
      .. "syscalls.master.")
    :epilog("Exit status: 0 done, 1 the list has errors or --check found "
      .. "stale files, 2 wrong usage.")
  parser:argument("list", "The list, in NetBSD's format."):args("?")
  parser:option("-o --output", "Folder to write to.", "out")
  parser:option("--only", "Only these outputs (names, separated by commas; "
    .. "see --list-outputs).")
  parser:option("--calls", "Which calls: rump (those marked RUMP), all, or "
    .. "names separated by commas.", "rump")
  parser:flag("--check", "Write nothing; exit 1 and name the files if the "
    .. "folder is not up to date.")
  parser:flag("--strict", "Every pointer of a RUMP call needs an annotation, "
    .. "also in a list that has none.")
  parser:flag("--list", "Print the calls."):target("print_calls")
  parser:flag("--list-outputs", "Print the names of the outputs.")
  local ok, options = parser:pparse()
  if not ok then
    usage_error(options .. "\n" .. parser:get_usage())
  end
  return options
end

-- The value of --only as a set of names, or nil for all.
local function wanted_outputs(option)
  if not option then
    return nil
  end
  local known, wanted = {}, {}
  for _, name in ipairs(outputs.names()) do
    known[name] = true
  end
  for _, name in ipairs(split(option)) do
    if not known[name] then
      local hint = suggest.closest(name, outputs.names())
      usage_error(("--only: no output is called '%s'%s"):format(name,
        hint and (" (did you mean '%s'?)"):format(hint) or ""))
    end
    wanted[name] = true
  end
  if not next(wanted) then
    usage_error("--only: which outputs? (try --list-outputs)")
  end
  return wanted
end

local function call_names(call)
  return { call.title, call.name, call.alias, call.symbol, call.constant }
end

-- The calls that --calls asks for.
local function select_calls(m, option)
  if option == "rump" then
    return model.select(m, function(call) return call.rump end)
  elseif option == "all" then
    return model.select(m, function() return true end)
  end
  local named, used, all = {}, {}, {}
  for _, name in ipairs(split(option)) do
    named[name] = true
  end
  local selected = model.select(m, function(call)
    local hit = false
    for _, name in pairs(call_names(call)) do
      all[#all + 1] = name
      if named[name] then
        used[name], hit = true, true
      end
    end
    return hit
  end)
  for _, name in ipairs(split(option)) do
    if not used[name] then
      local hint = suggest.closest(name, all)
      usage_error(("--calls: no call is named '%s'%s"):format(name,
        hint and (" (did you mean '%s'?)"):format(hint) or ""))
    end
  end
  return selected
end

local function read_list(name)
  local file, message = io.open(name, "rb")
  if not file then
    usage_error("cannot read the list: " .. message)
  end
  local text
  text, message = file:read("a")
  if not text then
    usage_error(("cannot read the list: %s: %s"):format(name, message))
  end
  file:close()
  return text
end

-- The checked model of a list; ends the run when the list has errors.
local function load_model(name, strict)
  local text = read_list(name)
  local diag = diagnostics.new(name, text)
  local m = model.build(grammar.parse(text, diag), diag)
  check.run(m, diag, strict)
  local lines = diag:lines()
  if #lines > 0 then
    io.stderr:write(table.concat(lines, "\n"), "\n")
  end
  if diag.errors > 0 then
    fail(EXIT_LIST, ("rumpgen: %d error%s in %s, nothing written")
      :format(diag.errors, diag.errors == 1 and "" or "s", name))
  end
  return m
end

local function main()
  local options = parse_arguments()
  if options.list_outputs then
    io.write(listing.outputs(outputs.list))
    return
  end
  if not options.list then
    usage_error("which list? (try --help)")
  end
  local wanted = wanted_outputs(options.only)
  local m = load_model(options.list, options.strict)
  local selected = select_calls(m, options.calls)
  if #selected.calls == 0 then
    usage_error(("--calls: the list has no call that is '%s'")
      :format(options.calls))
  end
  for _, call in ipairs(selected.calls) do
    layout.call(call)
  end
  if options.print_calls then
    io.write(listing.calls(selected.calls))
    return
  end
  local files, indexes = outputs.render(render.from(root .. "/templates"),
    selected, { model = selected, items = selected.items,
      calls = selected.calls, source = options.list:match("[^/]*$") }, wanted)
  if options.check then
    local stale = write.stale(options.output, files, indexes)
    for _, file in ipairs(stale) do
      io.stderr:write(("rumpgen: %s: %s\n"):format(file.path,
        file.text and "not up to date" or "no longer generated"))
    end
    os.exit(#stale == 0 and 0 or EXIT_LIST)
  end
  local changed = write.update(options.output, files, indexes)
  io.write(("rumpgen: %d calls, %d files, %d changed in %s\n")
    :format(#selected.calls, #files, changed, options.output))
end

local ok, message = pcall(main)
if not ok then
  fail(EXIT_LIST, "rumpgen: " .. tostring(message))
end
