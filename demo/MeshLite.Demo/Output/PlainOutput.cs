using MeshLite.Demo.Claims;

namespace MeshLite.Demo.Output;

/// <summary>Lines, for logs and scripts.</summary>
internal sealed class PlainOutput(TimeProvider time) : IDemoOutput
{
    private readonly long _started = time.GetTimestamp();

    public Task<T> DuringAsync<T>(string what, Func<Task<T>> work)
    {
        Line($"[{time.GetElapsedTime(_started).TotalSeconds,5:0.0} s] {what}");
        return work();
    }

    public void Measured(ClaimResult result) => Line($"          {(result.Holds ? "holds" : "FAILS")}: {result.Summary}");

    public void Table(IReadOnlyList<(IClaim Claim, ClaimResult Result)> results)
    {
        Line("");
        foreach (var (claim, result) in results)
        {
            Line($"{result.Claim,-20}{(result.Holds ? "holds" : "FAILS"),-7}{claim.Says}");
        }

        Line($"{results.Count(r => r.Result.Holds)} of {results.Count} claims hold, after {time.GetElapsedTime(_started).TotalSeconds:0} s");
    }

    public void Line(string text) => Console.WriteLine(text);
}
