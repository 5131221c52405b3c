namespace MeshLite.Protocol.Tests.Grpc;

/// <summary>Watches a count that should stop: the one place where a test has to look at real time.</summary>
internal static class Progress
{
    /// <summary>The count once it is above 0 and has not changed for half a second.</summary>
    public static async Task<int> SettledAsync(Func<Task<int>> read)
    {
        var (last, same) = (-1, 0);
        while (same < 10)
        {
            await Task.Delay(50);
            var now = await read();
            same = now == last && now > 0 ? same + 1 : 0;
            last = now;
        }

        return last;
    }
}
