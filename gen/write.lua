-- Files to disk: all of them or none, and untouched when nothing changed.

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

-- As assert, without the place in this file: the message is for people.
local function try(ok, message)
  return ok or error(message, 0)
end

-- Another run may make the same folder.
local function make_folder(name)
  if name == "" or path.isdir(name) then
    return
  end
  make_folder(path.dirname(name))
  local ok, message = path.mkdir(name)
  try(ok or path.isdir(name), message)
end

-- Writes a file beside the one it is to replace.  `staged` has its name even
-- if this fails; no other run takes the same.
local function stage(name, text, staged)
  make_folder(path.dirname(name))
  try(not path.isdir(name), name .. ": Is a directory")
  local temporary = ("%s.%016x.new"):format(name, math.random(0))
  staged[temporary] = name
  local file = try(io.open(temporary, "wb"))
  local ok, message = file:write(text)
  local closed, close_message = file:close()
  try(ok and closed, ("%s: %s"):format(name, message or close_message))
end

-- Files that an index names and `files` has no longer.
local function leftovers(out, files, indexes)
  local wanted, extra = {}, {}
  for _, file in ipairs(files) do
    wanted[file.path] = true
  end
  for _, index in ipairs(indexes) do
    local folder = path.dirname(index)
    for line in (read(out .. "/" .. index) or ""):gmatch("[^\n]+") do
      local name = folder .. "/" .. line
      if not wanted[name] and not line:find("..", 1, true)
          and path.isfile(out .. "/" .. name) then
        extra[#extra + 1] = out .. "/" .. name
      end
    end
  end
  table.sort(extra)
  return extra
end

-- What differs on disk: { path, text or nil where a file has to go }.
-- `indexes` are those of the files that list files which go when they are
-- listed no more.
function write.stale(out, files, indexes)
  local stale = {}
  for _, file in ipairs(files) do
    local name = out .. "/" .. file.path
    if read(name) ~= file.text then
      stale[#stale + 1] = { path = name, text = file.text }
    end
  end
  for _, name in ipairs(leftovers(out, files, indexes)) do
    stale[#stale + 1] = { path = name }
  end
  return stale
end

-- Nothing is replaced before everything is on disk, and no index before what
-- it names no longer is gone.
local function replace(stale, staged)
  for _, file in ipairs(stale) do
    if file.text then
      stage(file.path, file.text, staged)
    end
  end
  for _, file in ipairs(stale) do
    if not file.text then
      local ok, message = os.remove(file.path)
      try(ok or not path.exists(file.path), message)
    end
  end
  for temporary, name in pairs(staged) do
    try(os.rename(temporary, name))
  end
end

-- Brings the folder up to date.  Returns how many files changed; raises an
-- error that names the file when one cannot be written.
function write.update(out, files, indexes)
  local stale, staged = write.stale(out, files, indexes), {}
  local ok, message = pcall(replace, stale, staged)
  for temporary in pairs(staged) do
    os.remove(temporary)
  end
  return ok and #stale or error(message, 0)
end

return write
