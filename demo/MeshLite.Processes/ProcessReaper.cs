using System.Diagnostics;

namespace MeshLite.Processes;

/// <summary>
/// Ends what this process started, by pid, even if this process is killed: a shell of a few lines that reads the pids
/// from a pipe and, when the pipe closes, kills those still listed. (PR_SET_PDEATHSIG would not do: it fires when the
/// <em>thread</em> that forked ends, and pool threads come and go.) Thread-safe; one a process, started on first use.
/// </summary>
internal static class ProcessReaper
{
    private const string Script = """
        trap '' INT TERM HUP
        pids=' '
        while read -r op pid; do
          case $op in
            +) pids="$pids$pid " ;;
            -) case $pids in *" $pid "*) pids="${pids%% $pid *} ${pids#* $pid }" ;; esac ;;
          esac
        done
        for pid in $pids; do kill -9 "$pid" 2>/dev/null; done
        """;

    private static readonly Lock Gate = new();
    private static Process? _shell;

    public static void Add(int pid) => Tell('+', pid);

    public static void Remove(int pid) => Tell('-', pid);

    private static void Tell(char operation, int pid)
    {
        lock (Gate)
        {
            _shell ??= Process.Start(new ProcessStartInfo("/bin/sh", ["-c", Script]) { UseShellExecute = false, RedirectStandardInput = true })
                ?? throw new InvalidOperationException("/bin/sh did not start");
            try
            {
                _shell.StandardInput.Write($"{operation} {pid}\n");
                _shell.StandardInput.Flush();
            }
            catch (IOException)
            {
                // Someone killed the shell: the ordinary clean-up still happens.
            }
        }
    }
}
