-- Reads NetBSD's syscalls.master: text in, entries and directives out, each
-- with its byte position.  What the entries mean is for gen.model.

local lpeg = require "lpeg"

local P, R, S = lpeg.P, lpeg.R, lpeg.S
local C, Carg, Cc, Cg, Cmt, Cp, Ct =
  lpeg.C, lpeg.Carg, lpeg.Cc, lpeg.Cg, lpeg.Cmt, lpeg.Cp, lpeg.Ct

local grammar = {}

-- Types whose entry is a number, the type and a comment.
local COMMENT_TYPES = { OBSOL = true, UNIMPL = true, IGNORED = true,
  EXCL = true }
-- Types whose entry has a prototype; so have all COMPAT_nn.
local PROTOTYPE_TYPES = { STD = true, NODEF = true, NOARGS = true,
  INDIR = true, NOERR = true, EXTERN = true }
local TYPE_NAMES = { "STD", "OBSOL", "UNIMPL", "IGNORED", "NODEF", "NOARGS",
  "INDIR", "NOERR", "EXTERN", "EXCL", "COMPAT_09", "COMPAT_43", "COMPAT_50" }
local ATTRIBUTES = { "MODULAR", "RUMP" }
-- Directives and what stands behind them.
local CONDITION = { pattern = "%S", what = "a condition" }
local NAME = { pattern = "^[%a_][%w_]*$", what = "a name" }
local NOTHING = { pattern = "^$", what = "the end of the line" }
local OPERANDS = { ["if"] = CONDITION, elif = CONDITION, ifdef = NAME,
  ifndef = NAME, ["else"] = NOTHING, endif = NOTHING,
  include = { pattern = '^[<"][^<>"]+[>"]$', what = "a header in <> or \"\"" } }
local DIRECTIVES = {}
for word in pairs(OPERANDS) do
  DIRECTIVES[#DIRECTIVES + 1] = word
end

local digit = R "09"
local letter = R("az", "AZ") + "_"
local ident = letter * (letter + digit) ^ 0
-- A backslash at the very end of a line continues it.
local continuation = P "\\" * P "\r" ^ -1 * "\n"
local blank = S " \t\r" + continuation
local _ = blank ^ 0
local eol = P "\n" + -P(1)

local function token(pattern)
  return Ct(Cg(Cp(), "pos") * Cg(C(pattern), "text")) * _
end

-- Matches the pattern, or notes what was expected here and fails.  The
-- farthest note becomes the error.
local function want(pattern, what, candidates)
  return pattern + Cmt(Carg(1), function(_, pos, farthest)
    if not farthest.pos or pos > farthest.pos then
      farthest.pos, farthest.what, farthest.candidates = pos, what, candidates
    end
    return false
  end)
end

local function mark(text, candidates)
  return want(P(text), ("'%s'"):format(text), candidates) * _
end

local function keyword(text)
  return P(text) * -(letter + digit) * _
end

-- SAL words: _In_, _Out_writes_bytes_(n), _Flags_(open); and what is nearly
-- one, for a message that says so.
local annotation_word = Cmt(C(ident), function(_, _, text)
  return text:match("^_%u") ~= nil and text ~= "_Bool", text
end)
local annotation = Ct(Cg(Cp(), "pos") * Cg(annotation_word, "word") * _
  * (P "(" * _ * Cg(token(P "*" ^ -1 * _ * (ident + digit ^ 1)), "operand")
    * mark ")") ^ -1)

local type_token = token((ident - annotation_word) + P "*")
local name_or_type = want(type_token, "a type and a name")
local array = P "[" * _ * token(ident + digit ^ 1) * mark "]"

local argument = Ct(Cg(Cp(), "pos")
  * (Cg(P "..." * Cc(true), "varargs") * _
      * Cg(Ct(annotation ^ 0), "annotations") * Cg(Ct(type_token ^ 0), "tokens")
    + Cg(Ct(annotation ^ 0), "annotations")
      * Cg(Ct(name_or_type * type_token ^ 0), "tokens"))
  * Cg(array, "array") ^ -1)
local arguments = keyword "void" * #P ")" * Ct(true)
  + Ct(argument * (P "," * _ * argument) ^ 0)

local number_and_type = _ * Cg(token(digit ^ 1), "number")
  * want(Cg(token(ident), "type"), "a type", TYPE_NAMES) * Cg(Cp(), "rest")

-- Lists from before NetBSD 6 name no module.
local prototype = (keyword "MODULAR"
    * Cg(token(ident - keyword "RUMP"), "modular") ^ -1) ^ -1
  * Cg(keyword "RUMP" * Cc(true), "rump") ^ -1
  * mark("{", ATTRIBUTES)
  * Cg(Ct(annotation ^ 0), "annotations")
  * Cg(Ct(want(type_token, "a return type") * type_token ^ 0), "ret")
  * mark "|" * want(Cg(token(ident), "prefix"), "a prefix")
  * mark "|" * Cg(token(digit ^ 0), "compat")
  * mark "|" * want(Cg(token(ident), "name"), "the call's name")
  * mark "(" * Cg(arguments, "args") * mark ")" * mark ";" * mark "}"
  * Cg(token(ident), "alias") ^ -1
  * want(eol, "the end of the entry")

local head = Ct(number_and_type)
local body = Ct(prototype)
local comment = _ * C((1 - S "\r\n" - continuation) ^ 0)

-- What stands at a position, for a message.
local character = R "\xc2\xf4" * R "\x80\xbf" ^ 1 + (1 - S "\r\n")
local shown = C(ident + digit ^ 1 + character) + Cc "end of line"

local function complain(diag, text, farthest)
  diag:error(farthest.pos, ("expected %s, got"):format(farthest.what),
    shown:match(text, farthest.pos), farthest.candidates)
end

-- Positions of the lines, continuation lines joined: start, last character,
-- the backslash that nothing follows.
local function logical_lines(text)
  local start = text:match("^\xef\xbb\xbf()") or 1
  return function()
    if start > #text then
      return nil
    end
    local from = start
    local stop, backslash
    repeat
      stop = text:find("\n", start, true) or #text + 1
      backslash = text:sub(math.max(start, stop - 2), stop - 1):match("\\\r?$")
      start = stop + 1
    until not backslash or start > #text
    return from, stop - 1, backslash and stop - #backslash
  end
end

local function parse_entry(text, pos, diag)
  local farthest = {}
  local entry = head:match(text, pos, farthest)
  if not entry then
    if not farthest.pos then
      farthest.pos = text:find("[^ \t\r]", pos)
      farthest.what = "a syscall number"
    end
    complain(diag, text, farthest)
    return nil
  end
  local kind = entry.type.text
  if COMMENT_TYPES[kind] then
    entry.comment = comment:match(text, entry.rest)
  elseif PROTOTYPE_TYPES[kind] or kind:match("^COMPAT_%d+$") then
    entry.prototype = body:match(text, entry.rest, farthest)
    if not entry.prototype then
      complain(diag, text, farthest)
      return nil
    end
  else
    diag:error(entry.type.pos, "unknown type", kind, TYPE_NAMES)
    return nil
  end
  entry.kind, entry.pos = "entry", entry.number.pos
  return entry
end

-- Keeps the nesting of #if and friends.
local function nest(open, item, diag)
  local word, top = item.word, open[#open]
  if word == "if" or word == "ifdef" or word == "ifndef" then
    open[#open + 1] = { pos = item.pos, word = word }
  elseif word == "elif" or word == "else" or word == "endif" then
    if not top then
      diag:error(item.pos, "no #if is open for", "#" .. word)
    elseif word == "endif" then
      open[#open] = nil
    elseif top.seen_else then
      diag:error(item.pos, "after #else there is no", "#" .. word)
    else
      top.seen_else = word == "else"
    end
  end
end

local function parse_directive(text, from, stop, diag)
  local line = text:sub(from, stop):gsub("\r", "")
  local at, word, behind, rest = line:match("^[ \t]*#[ \t]*()(%a*)()(.*)$")
  local operand = OPERANDS[word]
  if not operand then
    diag:error(from + at - 1, "unknown directive",
      word ~= "" and word or line, DIRECTIVES)
    return nil
  end
  local given = rest:gsub("/%*.-%*/", " "):gsub("%s//.*$", "")
    :gsub("\\\n", " "):match("^%s*(.-)%s*$")
  if not given:match(operand.pattern) then
    diag:error(from + behind + rest:match("^%s*()") - 2,
      ("expected %s, got"):format(operand.what),
      given ~= "" and given or "end of line")
  end
  return { kind = "directive", pos = from, word = word,
    text = "#" .. word .. rest:gsub("[ \t]+$", "") }
end

-- The first line is free: NetBSD keeps the file's version there.
local function complain_header(header, diag)
  for i = 2, #header do
    local at, word = header[i].line:match("^%s*()(%S+)")
    if word and word:sub(1, 1) ~= ";" then
      diag:error(header[i].pos + at - 1,
        "before %% stand only comments and #include, not", word)
    end
  end
end

local function complain_open(open, diag)
  for _, directive in ipairs(open) do
    diag:error(directive.pos, "never closed by #endif:", "#" .. directive.word)
  end
end

-- Parses the whole text.  Returns the entries and directives behind %% that
-- can be read, in their order; all errors go to `diag`.
function grammar.parse(text, diag)
  local items, header, open = {}, {}, {}
  for from, stop, backslash in logical_lines(text) do
    local line = text:sub(from, stop)
    if backslash then
      diag:error(backslash, "nothing follows the line continued with", "\\")
    elseif header and line:match("^%%%%[ \t\r]*$") then
      complain_header(header, diag)
      complain_open(open, diag)
      header, open = nil, {}
    elseif line:match("^[ \t]*#") then
      local item = parse_directive(text, from, stop, diag)
      if item then
        nest(open, item, diag)
      end
      if item and not header and item.word ~= "include" then
        items[#items + 1] = item
      end
    elseif header then
      header[#header + 1] = { pos = from, line = line }
    elseif line:match("%S") and not line:match("^[ \t]*;") then
      items[#items + 1] = parse_entry(text, from, diag)
    end
  end
  complain_open(open, diag)
  if header then
    diag:error(1, "no line of two percent signs ends the header of",
      diag.file)
  end
  return items
end

return grammar
