# Reads TRX files (one XML element a line, as VSTest writes them). Prints, for each reason, the tests skipped for it; then each failed
# test with its message, last, where a log that is cut short still shows it; then the sum.
function attribute(name,    found) {
  if (!match($0, " " name "=\"[^\"]*\"")) return ""
  found = substr($0, RSTART + length(name) + 3, RLENGTH - length(name) - 4)
  return plain(found)
}
function plain(text) {
  gsub(/&lt;/, "<", text); gsub(/&gt;/, ">", text); gsub(/&quot;/, "\"", text); gsub(/&#xD;|&#xA;/, " ", text); gsub(/&amp;/, "\\&", text)
  return text
}
function class_of(test) {
  sub(/\(.*$/, "", test); sub(/\.[^.]*$/, "", test); sub(/^MeshLite\./, "", test)
  return test
}
function close_test(    reason) {
  if (outcome == "NotExecuted") {
    reason = message == "" ? "no reason given" : message
    if (!(reason in skipped)) reasons[++kinds] = reason
    skipped[reason]++
    if (!((reason, class_of(test)) in named)) classes[reason] = classes[reason] " " class_of(test)
    named[reason, class_of(test)] = 1
  } else if (outcome != "" && outcome != "Passed") {
    failures[++failing] = test ": " substr(message, 1, 1500)
  }
  outcome = ""; message = ""; inside = 0
}
/<UnitTestResult / {
  close_test()
  outcome = attribute("outcome"); test = attribute("testName")
  if (outcome == "Passed") outcome = ""
}
outcome != "" && (inside || message == "" && /<(Message|StdOut)>/) {
  line = $0
  inside = line !~ /<\/(Message|StdOut)>/
  sub(/^.*<(Message|StdOut)>/, "", line); sub(/<\/(Message|StdOut)>.*$/, "", line)
  message = message (message == "" ? "" : " ") plain(line)
}
/<\/Results>/ { close_test() }
/<Counters / {
  total += attribute("total"); passed += attribute("passed"); failed += attribute("failed") + attribute("error") + attribute("timeout") + attribute("aborted")
}
END {
  for (i = 1; i <= kinds; i++) printf "skipped: %d: %s:%s\n", skipped[reasons[i]], reasons[i], classes[reasons[i]]
  for (i = 1; i <= failing; i++) print "failed: " failures[i]
  printf "%d passed, %d failed, %d skipped\n", passed, failed, total - passed - failed
}
