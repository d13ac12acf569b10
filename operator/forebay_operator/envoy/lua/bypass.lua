-- Writes the top-level "model" of a JSON body while the data plane is unreachable.
-- One pass over the bytes; what stands in nested objects or inside strings is never touched.
-- The route's filter context says which model, and how many bytes are too many: {model = "...", limit = 1048576}.

local TOO_LARGE = '{"error":{"message":"The request\'s body is larger than the policy\'s maxRequestBytes.",'
  .. '"type":"invalid_request_error","param":null,"code":"request_too_large"}}'

local NAMED = { b = "\b", f = "\f", n = "\n", r = "\r", t = "\t" }

-- Position of the quote that ends the string whose first character stands at `at`, or nil.
local function string_end(text, at)
  while true do
    local stop = string.find(text, '["\\]', at)
    if not stop then return nil end
    if string.byte(text, stop) == 34 then return stop end
    at = stop + 2
  end
end

-- A key as it reads once its escapes are undone; what is not ASCII stays escaped, since "model" is.
local function unescaped(raw)
  if not string.find(raw, "\\", 1, true) then return raw end
  raw = string.gsub(raw, "\\u00(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end)
  return (string.gsub(raw, "\\(.)", function(c) return NAMED[c] or c end))
end

-- The model's name as a JSON string.
local function quoted(name)
  return '"' .. string.gsub(name, '[%c"\\]', function(c) return string.format("\\u%04x", string.byte(c)) end) .. '"'
end

-- The body with every top-level "model" set to `model`, and added where there is none; nil for what is no JSON object.
local function rewritten(text, model)
  local open = string.find(text, "%S")
  if not open or string.byte(text, open) ~= 123 then return nil end
  local pieces, copied, found = {}, 1, false
  local depth, at = 1, open + 1
  while depth > 0 do
    local here = string.find(text, '["{}%[%]]', at)
    if not here then return nil end
    local byte = string.byte(text, here)
    if byte ~= 34 then
      depth = depth + ((byte == 123 or byte == 91) and 1 or -1)
      at = here + 1
    else
      local stop = string_end(text, here + 1)
      if not stop then return nil end
      at = stop + 1
      if depth == 1 then
        local _, colon = string.find(text, "^%s*:%s*", at)
        if colon and stop - here < 64 and unescaped(string.sub(text, here + 1, stop - 1)) == "model" then
          found = true
          if string.byte(text, colon + 1) == 34 then
            local value_end = string_end(text, colon + 2)
            if not value_end then return nil end
            pieces[#pieces + 1] = string.sub(text, copied, colon)
            pieces[#pieces + 1] = quoted(model)
            copied = value_end + 1
            at = copied
          end
        end
      end
    end
  end
  if not found then
    local comma = string.find(text, "^%s*}", open + 1) and "" or ","
    return string.sub(text, 1, open) .. '"model":' .. quoted(model) .. comma .. string.sub(text, open + 1)
  end
  pieces[#pieces + 1] = string.sub(text, copied)
  return table.concat(pieces)
end

function envoy_on_request(handle)
  local body = handle:body()
  if not body or body:length() == 0 then return end
  if body:length() > handle:filterContext():get("limit") then
    handle:respond({ [":status"] = "413", ["content-type"] = "application/json" }, TOO_LARGE)
    return
  end
  local model = handle:filterContext():get("model")
  local changed = rewritten(body:getBytes(0, body:length()), model)
  if not changed then return end
  body:setBytes(changed)
  if handle:headers():get("content-length") then
    handle:headers():replace("content-length", tostring(#changed))
  end
end
