-- What can be generated.  Adding an output is a template and a line here.

local conversation = require "gen.conversation"

local outputs = {}

-- One file a call and one a conversation of the protocol's own.
local function fixtures(model)
  local files, used = {}, {}
  for _, call in ipairs(model.calls) do
    -- Each arm of a conditional may have a call of the same name.
    local count = (used[call.symbol] or 0) + 1
    local name = count > 1 and call.symbol .. "-" .. count or call.symbol
    used[call.symbol] = count
    files[#files + 1] = { path = "calls/" .. name .. ".jsonl",
      values = { frames = conversation.of_call(call) } }
  end
  for _, c in ipairs(conversation.of_protocol(model.calls)) do
    files[#files + 1] = { path = "conversation/" .. c.name .. ".jsonl",
      values = { frames = c.frames } }
  end
  return files
end

-- name, template, path of the one file or folder of the `many`, what it is.
outputs.list = {
  { name = "sysnum", template = "rump_sysnum.h.tmpl",
    path = "include/rump/rump_sysnum.h", about = "syscall numbers" },
  { name = "syscallargs", template = "rump_syscallargs.h.tmpl",
    path = "include/rump/rump_syscallargs.h",
    about = "argument structures with assertions of their layout" },
  { name = "syscalls", template = "rump_syscalls.h.tmpl",
    path = "include/rump/rump_syscalls.h",
    about = "declarations of the calls, NetBSD's names" },
  { name = "stubs", template = "rump_syscalls.c.tmpl",
    path = "client/rump_syscalls.c", about = "client stubs" },
  { name = "map", template = "librumpclient.map.tmpl",
    path = "client/librumpclient.map", about = "linker version map" },
  { name = "handlers", template = "rump_handlers.h.tmpl",
    path = "include/rump/rump_handlers.h", about = "handler prototypes" },
  { name = "sysent", template = "rump_sysent.c.tmpl",
    path = "server/rump_sysent.c", about = "server dispatch table" },
  { name = "sysdesc", template = "rump_sysdesc.c.tmpl",
    path = "trace/rump_sysdesc.c", about = "decode table" },
  { name = "fixtures", template = "conversation.jsonl.tmpl",
    path = "tests/fixtures", many = fixtures,
    about = "conversations on the wire, a file each" },
  { name = "check-stubs", template = "check_stubs.c.tmpl",
    path = "tests/check_stubs.c", about = "test of the client stubs" },
  { name = "check-dispatch", template = "check_dispatch.c.tmpl",
    path = "tests/check_dispatch.c", about = "test of the dispatch table" },
}

function outputs.names()
  local names = {}
  for i, output in ipairs(outputs.list) do
    names[i] = output.name
  end
  return names
end

-- Names the files of a folder, a line each.
local function index_of(many)
  local names = {}
  for i, file in ipairs(many) do
    names[i] = file.path .. "\n"
  end
  return table.concat(names)
end

-- Renders the wanted outputs (a set of names, nil for all) of a selected
-- model.  Returns a list of { path, text } and the paths of those that list
-- the files of an output with many.
function outputs.render(render, model, values, wanted)
  local files, indexes = {}, {}
  local function add(output, path, extra)
    local env = setmetatable(extra, { __index = values })
    env.template = output.template
    files[#files + 1] = { path = path, text = render(output.template, env) }
  end
  for _, output in ipairs(outputs.list) do
    if not wanted or wanted[output.name] then
      if output.many then
        local many, index = output.many(model), output.path .. "/INDEX"
        for _, file in ipairs(many) do
          add(output, output.path .. "/" .. file.path, file.values)
        end
        indexes[#indexes + 1] = index
        files[#files + 1] = { path = index, text = index_of(many) }
      else
        add(output, output.path, {})
      end
    end
  end
  return files, indexes
end

return outputs
