using System.Text;
using MeshLite.Processes;

namespace MeshLite.Bench.Load.OpenLoop;

/// <summary>
/// GETs over HTTP/1.1 at a constant rate, from one thread that waits for the sockets and for the schedule at once. A
/// request that is due while all connections are busy waits for one, and that wait is part of its latency.
/// </summary>
/// <param name="ratePerSecond">Above 0.</param>
/// <param name="time">Tells when.</param>
internal sealed class OpenLoopLoad(double ratePerSecond, TimeProvider time) : ILoadGenerator
{
    // After the last request was due; then what is not answered has failed.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    public string Name => $"open loop, {ratePerSecond:0}/s";

    public Task<LoadResult> RunAsync(LoadTarget target, int connections, TimeSpan duration) =>
        Task.Factory.StartNew(() => Run(target, connections, duration), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private LoadResult Run(LoadTarget target, int count, TimeSpan duration)
    {
        var request = Encoding.ASCII.GetBytes($"GET {target.Address.PathAndQuery} HTTP/1.1\r\nHost: {target.Host}\r\n\r\n");
        var connections = new List<Connection>();
        try
        {
            for (var i = 0; i < count; i++)
            {
                connections.Add(new Connection(target.Address.Host, target.Address.Port, request));
            }

            return Run(connections, duration);
        }
        finally
        {
            connections.ForEach(c => c.Dispose());
        }
    }

    private LoadResult Run(List<Connection> connections, TimeSpan duration)
    {
        var schedule = Schedule.For(duration, ratePerSecond, time.GetTimestamp() + (time.TimestampFrequency / 100), time.TimestampFrequency);
        var end = schedule.At(schedule.Count) + (long)(Patience.TotalSeconds * time.TimestampFrequency);
        var run = new OpenLoopRun(schedule);
        var idle = new Queue<Connection>(connections);
        var entries = connections.Select(c => Poll.ToRead(c.Handle)).ToArray();
        while (run.Answered < schedule.Count && time.GetTimestamp() is var now && now < end)
        {
            while (idle.Count > 0 && run.TryTake(now, out var index))
            {
                idle.Dequeue().Send(index);
            }

            // With no connection free only an answer helps.
            Poll.Wait(entries, time.GetElapsedTime(time.GetTimestamp(), idle.Count > 0 ? Math.Min(run.NextAt, end) : end));
            for (var i = 0; i < entries.Length; i++)
            {
                var request = connections[i].Request;
                if (entries[i].IsReadable && connections[i].Receive())
                {
                    run.Complete(request, time.GetTimestamp());
                    idle.Enqueue(connections[i]);
                }
            }
        }

        if (connections.Exists(c => !c.IsOk))
        {
            throw new ProcessFailedException("open loop: an answer was not 200");
        }

        var latencies = run.Latencies();
        return new LoadResult(run.Answered, schedule.Count - run.Answered, duration, latencies.Percentile(50), latencies.Percentile(99), latencies.Percentile(99.9));
    }
}
