using System.Collections.Concurrent;
using System.Diagnostics;

namespace MeshLite.TestKit.Kubernetes.Real;

/// <summary>
/// One thread that starts programs, and lives as long as the process: the parent death signal is sent when the <em>thread</em> that forked ends
/// (prctl(2), PR_SET_PDEATHSIG), and threads of the pool come and go. Thread-safe.
/// </summary>
internal static class ForkingThread
{
    private static readonly BlockingCollection<(ProcessStartInfo Start, TaskCompletionSource<Process> Started)> Work = Run();

    public static Task<Process> StartAsync(ProcessStartInfo start)
    {
        var started = new TaskCompletionSource<Process>(TaskCreationOptions.RunContinuationsAsynchronously);
        Work.Add((start, started));
        return started.Task;
    }

    private static BlockingCollection<(ProcessStartInfo Start, TaskCompletionSource<Process> Started)> Run()
    {
        var work = new BlockingCollection<(ProcessStartInfo Start, TaskCompletionSource<Process> Started)>();
        new Thread(() =>
        {
            foreach (var (start, started) in work.GetConsumingEnumerable())
            {
                try
                {
                    started.SetResult(Process.Start(start)!);
                }
                catch (System.ComponentModel.Win32Exception problem)
                {
                    started.SetException(problem);
                }
            }
        })
        { IsBackground = true, Name = "starts programs" }.Start();
        return work;
    }
}
