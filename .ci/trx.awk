# Reads TRX files (one XML element a line, as VSTest writes them): a line for each skipped test with its reason, then the sum.
function attribute(name,    found) {
  if (!match($0, " " name "=\"[^\"]*\"")) return ""
  found = substr($0, RSTART + length(name) + 3, RLENGTH - length(name) - 4)
  return plain(found)
}
function plain(text) {
  gsub(/&lt;/, "<", text); gsub(/&gt;/, ">", text); gsub(/&quot;/, "\"", text); gsub(/&#xD;|&#xA;/, " ", text); gsub(/&amp;/, "\\&", text)
  return text
}
function close_skipped() {
  if (skipped_test != "") print "skipped: " skipped_test ": " (reason == "" ? "no reason given" : reason)
  skipped_test = ""; reason = ""
}
/<UnitTestResult / {
  close_skipped()
  if (attribute("outcome") == "NotExecuted") skipped_test = attribute("testName")
}
skipped_test != "" && reason == "" && /<(Message|StdOut)>/ {
  reason = $0
  sub(/^.*<(Message|StdOut)>/, "", reason); sub(/<\/(Message|StdOut)>.*$/, "", reason)
  reason = plain(reason)
}
/<\/Results>/ { close_skipped() }
/<Counters / {
  total += attribute("total"); passed += attribute("passed"); failed += attribute("failed") + attribute("error") + attribute("timeout") + attribute("aborted")
}
END { printf "%d passed, %d failed, %d skipped\n", passed, failed, total - passed - failed }
