using MeshLite.TestKit;

namespace MeshLite.E2E.Fields;

/// <summary>Which endpoint.</summary>
internal static class BalancingCases
{
    public static IReadOnlyList<FieldCase> All { get; } =
    [
        new("round robin", Yaml.PolicyCase("loadBalancer: {type: RoundRobin}"), async mesh =>
        {
            var apps = (await mesh.SendInTurnAsync(20)).Select(a => a.App).ToArray();
            apps.Zip(apps.Skip(1)).ShouldAllBe(pair => pair.First != pair.Second);
        }) { Policy = ["loadBalancer.type"] },

        new("hash on header", Yaml.PolicyCase("loadBalancer: {type: RingHash, hashOn: {header: x-user}}"), async mesh =>
            await mesh.ShouldStayTogetherAsync(user => ("x-user", user))) { Policy = ["loadBalancer.hashOn.header"] },

        new("hash on cookie", Yaml.PolicyCase("loadBalancer: {type: RingHash, hashOn: {cookie: sid}}"), async mesh =>
            await mesh.ShouldStayTogetherAsync(user => ("cookie", $"sid={user}"))) { Policy = ["loadBalancer.hashOn.cookie"] },

        new("slow start", Yaml.PolicyCase("loadBalancer: {type: RoundRobin, slowStart: 1h}"), async mesh =>
        {
            var o2 = mesh.App("o2");
            o2.Healthy = false;
            try
            {
                await Eventually.TrueAsync(async () => (await mesh.SendInTurnAsync(6)).All(a => a.App == "o1"), "o2 is away");
            }
            finally
            {
                o2.Healthy = true;
            }

            await Eventually.TrueAsync(async () => (await mesh.SendInTurnAsync(6)).Any(a => a.App == "o2"), "o2 is new");
            // 10 % of its full weight; by default it would get half.
            (await mesh.SendInTurnAsync(60)).Count(a => a.App == "o2").ShouldBeInRange(1, 15);
        }) { Policy = ["loadBalancer.slowStart"] },
    ];
}
