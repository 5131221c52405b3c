using System.Globalization;
using MeshLite.Demo.Load;
using MeshLite.Demo.Shop;

namespace MeshLite.Demo.Claims;

/// <summary>
/// Callers say they wait 1.5 s; frontend and orders each take a while, inventory hangs. Each application is told how much is
/// left, less at each hop, and when nothing is left all of them stop. Sabotage: frontend does not send on what it was told.
/// </summary>
internal sealed class DeadlineClaim : IClaim
{
    private const int Requests = 20;
    private const string Prefix = "deadline-";
    private static readonly string[] Hops = ["frontend", "orders", "inventory"];
    private static readonly TimeSpan Waits = TimeSpan.FromMilliseconds(1500);
    private static readonly TimeSpan Each = TimeSpan.FromMilliseconds(100);

    // Timers are a little coarse, both ways.
    private static readonly TimeSpan AtLeast = TimeSpan.FromMilliseconds(90);
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(5);

    public string Name => "deadline";

    public string Says => "a caller's deadline shrinks over three hops, then work stops at each";

    public async Task<ClaimResult> MeasureAsync(ShopMesh shop, bool sabotage)
    {
        foreach (var member in shop.Members)
        {
            await member.TroubleAsync(member.Role == "inventory"
                ? new ShopTrouble { Hang = true }
                : new ShopTrouble { DelayMs = (int)Each.TotalMilliseconds, Forget = sabotage && member.Role == "frontend" });
        }

        var timeout = $"{Waits.TotalMilliseconds.ToString("0", CultureInfo.InvariantCulture)}m";
        var sent = await shop.Load.SendAsync(new LoadPlan
        {
            Prefix = Prefix, Count = Requests, Concurrency = Requests, Entry = LoadEntry.Frontend, Method = HttpMethod.Get, Timeout = timeout,
        });
        var stopped = await StoppedAsync(shop);
        // Read before inventory is let go: until then its work ends by its caller's leave only.
        var hops = await TimeoutsAsync(shop);
        await shop.CalmAsync();

        var waited = sent.Select(s => shop.Time.GetElapsedTime(s.Started, s.Ended)).Order().ToArray();
        var told = sent.Count(s => s is { Status: 504, Reason: "request_timeout" });
        var shrank = sent.Count(s => Shrinks([.. hops.Select(h => h.GetValueOrDefault(s.Id))]));
        var holds = told == Requests && shrank == Requests && stopped == Requests && waited[0] >= Waits - TimerTick && waited[^1] <= Bound;
        var left = hops.Select(h => h.Values.OfType<TimeSpan>().Select(t => t.TotalMilliseconds).Order().ToArray()).Select(t => t.Length == 0 ? (double?)null : Math.Round(t[t.Length / 2])).ToArray();
        return new ClaimResult(Name, holds, new Dictionary<string, object?>
        {
            ["requests"] = sent.Count,
            ["callerWaitsMs"] = Waits.TotalMilliseconds,
            ["timedOut"] = told,
            ["waitedMsMax"] = Math.Round(waited[^1].TotalMilliseconds),
            ["leftMsP50"] = Hops.Zip(left).ToDictionary(h => h.First, h => h.Second),
            ["shrank"] = shrank,
            ["stoppedEverywhere"] = stopped,
        })
        {
            Summary = $"of {Waits.TotalMilliseconds:0} ms {string.Join(", ", Hops.Zip(left).Select(h => $"{h.First} was told {(h.Second is { } ms ? $"{ms:0}" : "nothing")}"))}; shrank for {shrank} of {Requests}, {told} ended with 504 after at most {waited[^1].TotalMilliseconds:0} ms, work stopped everywhere for {stopped}",
        };
    }

    /// <summary>A timer of the runtime may fire a little early, as another clock sees it.</summary>
    private static readonly TimeSpan TimerTick = TimeSpan.FromMilliseconds(16);

    // Less at each, by about what the hop before it took.
    private static bool Shrinks(TimeSpan?[] left) => left[0] <= Waits && left[1] <= left[0] - AtLeast && left[2] <= left[1] - AtLeast && left[2] > TimeSpan.Zero;

    // By hop, what each request said was left.
    private static async Task<Dictionary<string, TimeSpan?>[]> TimeoutsAsync(ShopMesh shop) => [.. await Task.WhenAll(Hops.Select(async hop =>
        (await ShopLedger.OfAsync(shop, hop, Prefix)).ToDictionary(e => e.Id, e => Parse(e.Timeout), StringComparer.Ordinal)))];

    private static async Task<int> StoppedAsync(ShopMesh shop)
    {
        var started = shop.Time.GetTimestamp();
        while (true)
        {
            var booked = await Task.WhenAll(Hops.Select(hop => ShopLedger.OfAsync(shop, hop, Prefix)));
            var stopped = booked[2].Count(inventory => inventory.Ended == inventory.Count && booked.Take(2).All(b => b.Any(e => e.Id == inventory.Id && e.Ended == e.Count)));
            if (stopped == Requests || shop.Time.GetElapsedTime(started) > Bound)
            {
                return stopped;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(20), shop.Time);
        }
    }

    // "TimeoutValue TimeoutUnit" of https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md.
    private static TimeSpan? Parse(string timeout) =>
        timeout.Length > 1 && long.TryParse(timeout[..^1], NumberStyles.None, CultureInfo.InvariantCulture, out var value)
            ? timeout[^1] switch
            {
                'H' => TimeSpan.FromHours(value),
                'M' => TimeSpan.FromMinutes(value),
                'S' => TimeSpan.FromSeconds(value),
                'm' => TimeSpan.FromMilliseconds(value),
                'u' => TimeSpan.FromMicroseconds(value),
                'n' => TimeSpan.FromTicks(value / 100),
                _ => null,
            }
            : null;
}
