-- The known word nearest to one that is not known.

local suggest = {}

-- Edit distance; swapping two neighbours counts as one edit.
function suggest.distance(a, b)
  local before, last, row = {}, {}, {}
  for j = 0, #b do
    last[j] = j
  end
  for i = 1, #a do
    row[0] = i
    for j = 1, #b do
      local cost = a:byte(i) == b:byte(j) and 0 or 1
      local d = math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + cost)
      if i > 1 and j > 1 and a:byte(i) == b:byte(j - 1)
          and a:byte(i - 1) == b:byte(j) then
        d = math.min(d, before[j - 2] + 1)
      end
      row[j] = d
    end
    before, last, row = last, row, before
  end
  return last[#b]
end

-- The candidate (from a list) nearest to `word`, or nil when none is near: a
-- third of the letters may differ, or two may be missing at the end.  Of
-- equally near ones that which begins with the word, then the alphabetically
-- first, so that messages are stable.
function suggest.closest(word, candidates)
  local limit = math.max(1, #word // 3)
  local best, best_distance
  for _, candidate in ipairs(candidates) do
    local begins = #word > 2 and candidate:sub(1, #word) == word
    local most = begins and math.max(limit, 2) or limit
    local d = math.huge
    if candidate ~= word and math.abs(#word - #candidate) <= most then
      d = suggest.distance(word:lower(), candidate:lower())
    end
    local rank = begins and d - 0.5 or d
    if d <= most and (not best or rank < best_distance
        or rank == best_distance and candidate < best) then
      best, best_distance = candidate, rank
    end
  end
  return best
end

return suggest
