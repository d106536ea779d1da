-- What the specs share: lists from text, runs of the command line, files.

local check = require "gen.check"
local diagnostics = require "gen.diagnostics"
local grammar = require "gen.grammar_netbsd"
local layout = require "gen.layout"
local model = require "gen.model"

local support = {}

support.HEADER = "\ta list of ours\n%%\n"
support.LINES_BEFORE = 2

-- Reads list entries (without header).  Returns the messages, the model, and
-- the parsed list.
function support.read(entries, strict)
  local text = support.HEADER .. entries
  local diag = diagnostics.new("list", text)
  local list = grammar.parse(text, diag)
  local m = model.build(list, diag)
  check.run(m, diag, strict)
  return diag:lines(), m, list
end

-- The errors alone; a list without annotations also has a warning.
function support.errors(entries, strict)
  local errors = {}
  for _, line in ipairs((support.read(entries, strict))) do
    errors[#errors + 1] = line:match("error: ") and line or nil
  end
  return errors
end

-- The model of all calls of the entries, laid out; the list must be right.
function support.model(entries)
  local errors = support.errors(entries)
  if #errors > 0 then
    error(table.concat(errors, "\n"), 2)
  end
  local _, m = support.read(entries)
  local selected = model.select(m, function() return true end)
  for _, call in ipairs(selected.calls) do
    layout.call(call)
  end
  return selected
end

-- The one call of an entry.
function support.call(entry)
  return support.model(entry).calls[1]
end

function support.write_file(name, text)
  local file = assert(io.open(name, "wb"))
  file:write(text)
  file:close()
end

function support.read_file(name)
  local file = io.open(name, "rb")
  if not file then
    return nil
  end
  local text = file:read("a")
  file:close()
  return text
end

function support.temporary_folder()
  local pipe = io.popen("mktemp -d")
  local name = pipe:read("l")
  pipe:close()
  return name
end

function support.remove(folder)
  os.execute(("rm -rf '%s'"):format(folder))
end

-- Runs a shell command.  Returns its exit status and all it printed.
function support.shell(command)
  local pipe = io.popen(command .. " 2>&1; echo \"status $?\"")
  local text = pipe:read("a")
  pipe:close()
  local output, status = text:match("^(.*)status (%d+)\n$")
  return tonumber(status), output
end

-- Runs the generator's command line.
function support.rumpgen(arguments)
  return support.shell("lua5.4 gen/rumpgen.lua " .. arguments)
end

-- Lists that are there or not: ours, and NetBSD's where it was handed to us.
support.OURS = "syscalls.master"
support.NETBSD = os.getenv("NETBSD_MASTER") or "../shared/lists/netbsd-2016.master"

return support
