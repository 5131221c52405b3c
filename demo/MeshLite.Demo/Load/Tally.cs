using MeshLite.Demo.Shop;

namespace MeshLite.Demo.Load;

/// <summary>
/// Requests sent, held against the applications' ledgers. Lost: not answered with 2xx, or missing at an application of
/// its path. Doubled: an application got it more than once, its replicas taken together.
/// </summary>
internal sealed record Tally(int Requests, int Lost, int Doubled, string? FirstFailure)
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
        string? first = null;
        foreach (var request in sent)
        {
            var path = request.ViaFrontend ? (string[])["frontend", "orders", "inventory"] : ["orders", "inventory"];
            var missing = path.FirstOrDefault(role => !booked.ContainsKey((role, request.Id)));
            if (!request.Succeeded || missing is not null)
            {
                lost++;
                first ??= request.Succeeded ? $"{request.Describe()} never reached {missing}" : request.Describe();
            }

            if (path.FirstOrDefault(role => booked.GetValueOrDefault((role, request.Id)) > 1) is { } twice)
            {
                doubled++;
                first ??= $"{request.Describe()} reached {twice} {booked[(twice, request.Id)]} times";
            }
        }

        return new Tally(sent.Count, lost, doubled, first);
    }
}
