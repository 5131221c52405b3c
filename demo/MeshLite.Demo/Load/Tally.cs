using MeshLite.Demo.Shop;

namespace MeshLite.Demo.Load;

/// <summary>
/// Requests sent, held against the applications' ledgers. Lost: not answered with 2xx, or missing at an application of
/// its path. Doubled: an application got it more than once, its replicas taken together.
/// </summary>
/// <param name="Requests">Sent.</param>
/// <param name="Lost">As above.</param>
/// <param name="Doubled">As above.</param>
/// <param name="Failures">A line for each.</param>
internal sealed record Tally(int Requests, int Lost, int Doubled, IReadOnlyList<string> Failures)
{
    public static async Task<Tally> OfAsync(ShopMesh shop, string prefix, IReadOnlyCollection<SentRequest> sent)
    {
        var booked = new Dictionary<(string Role, string Id), int>();
        foreach (var member in shop.Members)
        {
            foreach (var entry in await member.LedgerAsync(prefix))
            {
                booked[(member.Role, entry.Id)] = booked.GetValueOrDefault((member.Role, entry.Id)) + entry.Count;
            }
        }

        var (lost, doubled) = (0, 0);
        var failures = new List<string>();
        foreach (var request in sent)
        {
            var path = request.ViaFrontend ? (string[])["frontend", "orders", "inventory"] : ["orders", "inventory"];
            var missing = path.FirstOrDefault(role => !booked.ContainsKey((role, request.Id)));
            if (!request.Succeeded || missing is not null)
            {
                lost++;
                failures.Add(request.Succeeded ? $"{request.Describe()} never reached {missing}" : request.Describe());
            }

            if (path.FirstOrDefault(role => booked.GetValueOrDefault((role, request.Id)) > 1) is { } twice)
            {
                doubled++;
                failures.Add($"{request.Describe()} reached {twice} {booked[(twice, request.Id)]} times");
            }
        }

        failures.Sort(StringComparer.Ordinal);
        return new Tally(sent.Count, lost, doubled, failures);
    }

    /// <inheritdoc/>
    public override string ToString() =>
        $"{Requests} requests, lost {Lost}, doubled {Doubled}{(Failures.Count == 0 ? "" : $" (first: {Failures[0].Trim()})")}";

    /// <summary>What each claim that counts losses says of them.</summary>
    public IEnumerable<KeyValuePair<string, object?>> Figures() =>
    [
        new("requests", Requests), new("lost", Lost), new("doubled", Doubled), new("failures", Failures.Count == 0 ? null : Failures.Take(3).ToArray()),
    ];
}
