-- The intermediate model: what a list means, whatever dialect it was in.
--
-- model.calls      calls with a prototype, in the list's order
-- model.items      the same between the directives that guard them
-- model.entries    every entry, calls and others
-- model.annotated  some call has annotations
--
-- A list's #include lines name the headers of the kernel it came from; no
-- output has them.
--
-- model.select() makes the model of some of the calls, and says of each
-- whether it is `declared` in the header and `owns_handler`.
--
-- A call: number, type ("STD"), compat_option ("50" or nil), modular, rump,
-- noerr, name (basename), compat ("30" or ""), alias, ret (C type),
-- returns_errno, args, varargs, shares (its handler with other calls), and the
-- names made of these: handler, args_struct, title, symbol, cname, constant,
-- constant_alias, rename, number_text.
-- An argument: name, type (C), pad, varargs, memory, prints, set.

local annotation = require "gen.annotation"
local types = require "gen.types"

local model = {}

-- The tables made of a list are arrays by number.
local MAX_NUMBER = 0xffff

-- Calls whose two results come back in an int[2] that the wire never sees.
local RETURNS_PAIR = { pipe = true }

-- Types whose handler may be another entry's, under another number.
local SHARES = { NODEF = true, NOARGS = true }

-- Words of C that can never be an argument's name; nor can a type.
local RESERVED = {}
for word in ([[auto break case const continue default do double else enum
    extern float for goto if inline register restrict return sizeof static
    struct switch typedef union void volatile while]]):gmatch("%S+") do
  RESERVED[word] = true
end

local TAGGED = { struct = true, union = true, enum = true }

local function make_argument(parsed, diag)
  local tokens = parsed.tokens
  local last = tokens[#tokens]
  local arg = { pos = parsed.pos, varargs = parsed.varargs or false,
    annotations = parsed.annotations }
  if not last then
    diag:error(parsed.pos, "no argument follows", "...")
    return nil
  end
  if #tokens < 2 or last.text == "*" or RESERVED[last.text]
      or types.class(last.text) or TAGGED[tokens[#tokens - 1].text] then
    diag:error(last.pos, "expected an argument's name, got", last.text)
    return nil
  end
  arg.name, arg.name_pos = last.text, last.pos
  arg.pad = last.text == "PAD"
  arg.type_pos = tokens[1].pos
  arg.type = types.spell(table.move(tokens, 1, #tokens - 1, 1, {}))
  if parsed.array then
    arg.type = arg.type .. (types.is_pointer(arg.type) and "*" or " *")
  end
  return arg
end

local function make_call(entry, diag)
  local proto = entry.prototype
  local kind = entry.type.text
  local call = {
    number = tonumber(entry.number.text), pos = entry.number.pos,
    type = kind, compat_option = kind:match("^COMPAT_(%d+)$"),
    modular = proto.modular and proto.modular.text,
    rump = proto.rump or false, noerr = kind == "NOERR",
    indirect = kind == "INDIR", shares = SHARES[kind] or false,
    name = proto.name.text, name_pos = proto.name.pos,
    prefix = proto.prefix.text, compat = proto.compat.text,
    alias = proto.alias and proto.alias.text,
    ret = types.spell(proto.ret), ret_pos = proto.ret[1].pos,
    annotations = proto.annotations, args = {},
  }
  for _, parsed in ipairs(type(proto.args) == "table" and proto.args or {}) do
    call.args[#call.args + 1] = make_argument(parsed, diag)
    call.varargs = call.varargs or parsed.varargs
  end
  return call
end

-- NetBSD's names for one call.
local function name_call(call)
  local versioned = call.compat ~= "" and "__" .. call.name .. call.compat
    or call.name
  local option = call.compat_option and "compat_" .. call.compat_option .. "_"
    or ""
  call.handler = option .. call.prefix .. "_" .. versioned
  call.args_struct = call.handler .. "_args"
  call.constant = option .. (call.shares and call.alias or versioned)
  if call.alias and option == "" and call.alias ~= call.constant then
    call.constant_alias = call.alias
  end
  call.number_text = call.type == "NODEF" and tostring(call.number)
    or "RUMP_SYS_" .. call.constant
  call.title = option .. (call.alias or versioned)
  call.cname = call.alias or call.name
  call.rename = (call.shares and call.alias or call.name):upper()
  call.symbol = call.cname .. call.compat
  call.pair = RETURNS_PAIR[call.name] and #call.args == 0
    and call.ret == "int" and not call.compat_option or false
end

-- Two old calls may share a symbol; then each carries its option's name.
local function separate_symbols(calls)
  local users = {}
  for _, call in ipairs(calls) do
    users[call.symbol] = (users[call.symbol] or 0) + 1
  end
  for _, call in ipairs(calls) do
    if users[call.symbol] > 1 and call.compat_option and not call.rump then
      call.symbol = "compat_" .. call.compat_option .. "_" .. call.symbol
    end
  end
end

-- Of several calls with one C name, the newest is what programs mean.
local function choose_declared(calls)
  local newest = {}
  for _, call in ipairs(calls) do
    local other = newest[call.cname]
    if not call.compat_option and (not other
        or (tonumber(call.compat) or 0) >= (tonumber(other.compat) or 0)) then
      newest[call.cname] = call
    end
  end
  for _, call in ipairs(calls) do
    local best = newest[call.cname]
    call.declared = not call.compat_option and best.compat == call.compat
  end
end

-- A handler that several calls share is declared with the one it belongs to.
local function choose_owner(calls)
  local owned = {}
  for _, call in ipairs(calls) do
    owned[call.handler] = owned[call.handler] or not call.shares
  end
  for _, call in ipairs(calls) do
    call.owns_handler = not call.shares or not owned[call.handler]
    owned[call.handler] = true
  end
end

-- Builds the model of what gen.grammar_netbsd returns; errors go to `diag`.
function model.build(items, diag)
  local m = { calls = {}, items = {}, entries = {}, annotated = false }
  for _, item in ipairs(items) do
    if item.kind == "directive" then
      m.items[#m.items + 1] = { directive = item.text, word = item.word }
    elseif tonumber(item.number.text) > MAX_NUMBER then
      diag:error(item.number.pos, ("numbers end at %d, before")
        :format(MAX_NUMBER), item.number.text)
    else
      local entry = { number = tonumber(item.number.text),
        pos = item.number.pos, type = item.type.text, comment = item.comment }
      if item.prototype then
        local call = make_call(item, diag)
        name_call(call)
        m.annotated = annotation.resolve(call, diag) or m.annotated
        m.calls[#m.calls + 1] = call
        entry.call = call
      end
      m.entries[#m.entries + 1] = entry
      m.items[#m.items + 1] = { entry = entry, call = entry.call }
    end
  end
  separate_symbols(m.calls)
  return m
end

local OPENS = { ["if"] = true, ifdef = true, ifndef = true }

-- Drops the conditionals that guard nothing.
local function prune(items)
  local kept, open = {}, {}
  for _, item in ipairs(items) do
    if item.call then
      for _, frame in ipairs(open) do
        frame.used = true
      end
      kept[#kept + 1] = item
    elseif item.directive then
      if OPENS[item.word] then
        open[#open + 1] = { start = #kept + 1 }
      end
      kept[#kept + 1] = item
      if item.word == "endif" then
        local frame = table.remove(open)
        if not frame.used then
          for i = #kept, frame.start, -1 do
            kept[i] = nil
          end
        end
      end
    end
  end
  return kept
end

-- The model of those calls for which `wanted` is true.  Indirect calls only
-- carry others and are never among them.
function model.select(m, wanted)
  local s = { calls = {}, items = {}, annotated = m.annotated }
  for _, item in ipairs(m.items) do
    if not item.call then
      s.items[#s.items + 1] = item
    elseif not item.call.indirect and wanted(item.call) then
      s.items[#s.items + 1] = item
      s.calls[#s.calls + 1] = item.call
    end
  end
  s.items = prune(s.items)
  choose_declared(s.calls)
  choose_owner(s.calls)
  return s
end

return model
