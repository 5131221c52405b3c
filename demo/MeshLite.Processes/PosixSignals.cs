using System.Runtime.InteropServices;

namespace MeshLite.Processes;

/// <summary>kill(2): <see cref="System.Diagnostics.Process"/> itself can only send SIGKILL.</summary>
internal static partial class PosixSignals
{
    public const int Kill = 9;
    public const int Terminate = 15;

    public static void Send(int pid, int signal) => _ = NativeKill(pid, signal);

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int NativeKill(int pid, int signal);
}
