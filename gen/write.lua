-- Files to disk: whole or not at all, and untouched when nothing changed.

local dir = require "pl.dir"
local path = require "pl.path"

local write = {}

local function read(name)
  local file = io.open(name, "rb")
  if not file then
    return nil
  end
  local text = file:read("a")
  file:close()
  return text
end

local function replace(name, text)
  assert(dir.makepath(path.dirname(name)))
  local temporary = name .. ".new"
  local file = assert(io.open(temporary, "wb"))
  local ok, message = file:write(text)
  local closed, close_message = file:close()
  if ok and closed then
    ok, message = os.rename(temporary, name)
  end
  if not ok or not closed then
    os.remove(temporary)
    error(("%s: %s"):format(name, message or close_message), 0)
  end
end

-- Files below the generated-only folders that are in `files` no longer.
local function leftovers(out, files, folders)
  local wanted, extra = {}, {}
  for _, file in ipairs(files) do
    wanted[out .. "/" .. file.path] = true
  end
  for _, folder in ipairs(folders) do
    local root = out .. "/" .. folder
    for _, name in ipairs(path.isdir(root) and dir.getallfiles(root) or {}) do
      if not wanted[name] then
        extra[#extra + 1] = name
      end
    end
  end
  table.sort(extra)
  return extra
end

-- What differs on disk: { path, text or nil where a file has to go }.
function write.stale(out, files, folders)
  local stale = {}
  for _, file in ipairs(files) do
    local name = out .. "/" .. file.path
    if read(name) ~= file.text then
      stale[#stale + 1] = { path = name, text = file.text }
    end
  end
  for _, name in ipairs(leftovers(out, files, folders)) do
    stale[#stale + 1] = { path = name }
  end
  return stale
end

-- Brings the folder up to date.  Returns how many files changed; raises an
-- error that names the file when one cannot be written.
function write.update(out, files, folders)
  local stale = write.stale(out, files, folders)
  for _, file in ipairs(stale) do
    if file.text then
      replace(file.path, file.text)
    else
      assert(os.remove(file.path))
    end
  end
  return #stale
end

return write
