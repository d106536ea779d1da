-- Templates to text.  Lines that begin with @ are Lua, $(x) is the value of
-- x; C needs neither.

local template = require "pl.template"

local render = {}

local function read(path)
  local file, message = io.open(path, "rb")
  if not file then
    return nil, message
  end
  local text = file:read("a")
  file:close()
  return text
end

-- Returns a function that renders a template of the folder by name:
-- render(name, env) gives the text, or raises an error that names the
-- template.  What the folder's c.lua returns, and Lua's own library,
-- are known in every template.
function render.from(folder)
  local helpers = dofile(folder .. "/c.lua")
  local compiled = {}

  local function compile(name)
    local text = assert(read(folder .. "/" .. name))
    return assert(template.compile(text, { chunk_name = name, escape = "@" }))
  end

  return function(name, values)
    compiled[name] = compiled[name] or compile(name)
    local env = setmetatable({}, { __index = function(_, key)
      local value = values[key]
      if value == nil then
        value = helpers[key]
      end
      if value == nil then
        value = _G[key]
      end
      return value
    end })
    return assert(compiled[name]:render(env))
  end
end

return render
