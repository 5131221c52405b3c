using MeshLite.TestKit;

namespace MeshLite.E2E.Fields;

/// <summary>How much at once, and how much a second.</summary>
internal static class LimitCases
{
    private const string ToV1 = "rules: [{retry: {attempts: 0}, backendRefs: [{name: orders, subset: v1}]}]";

    public static IReadOnlyList<FieldCase> All { get; } =
    [
        new("concurrency", Yaml.PolicyCase("concurrency: {maxRequests: 1, maxQueued: 1, queueTimeout: 8s}"), async mesh =>
        {
            var before = mesh.Apps.Hung;
            var first = mesh.SendAsync(does: "hang");
            await Eventually.TrueAsync(() => mesh.Apps.Hung > before, "the first has its place");
            var rest = Enumerable.Range(0, 2).Select(_ => mesh.SendAsync()).ToArray();
            var refused = await await Task.WhenAny(rest);
            (refused.Status, refused.Error).ShouldBe((503, "overloaded"));
            // Longer than the queue's own default.
            await Task.Delay(TimeSpan.FromMilliseconds(500), TimeProvider.System);
            rest.Count(r => r.IsCompleted).ShouldBe(1);
            mesh.Apps.Release();
            (await first).Status.ShouldBe(200);
            (await Task.WhenAll(rest)).Select(r => r.Status).Order().ShouldBe([200, 503]);
        }) { Policy = ["concurrency.maxRequests", "concurrency.maxQueued", "concurrency.queueTimeout"] },

        new("inbound concurrency", Yaml.Route(ToV1, "{kind: Service, name: orders}") + Yaml.Policy("concurrency: {inboundMaxRequests: 2}"), async mesh =>
        {
            // The server's sidecar learns of it by itself; with two hung, everything else is too much.
            await Eventually.TrueAsync(async () =>
            {
                var before = mesh.Apps.Hung;
                var hung = Enumerable.Range(0, 2).Select(_ => mesh.SendAsync(does: "hang")).ToArray();
                await Eventually.TrueAsync(() => hung.Any(h => h.IsCompleted) || mesh.Apps.Hung == before + 2, "two are there");
                var third = await mesh.SendAsync();
                mesh.Apps.Release();
                return (await Task.WhenAll(hung)).All(h => h.Status == 200) && third is { Status: 503, Error: "overloaded" };
            }, "a third is refused", TimeSpan.FromSeconds(10));
        }) { Policy = ["concurrency.inboundMaxRequests"] },

        new("rate", Yaml.PolicyCase("rateLimit: {outbound: {requestsPerSecond: 1, burst: 5}}"), async mesh =>
        {
            var answers = await mesh.SendManyAsync(20);
            // A second's worth more on a machine that takes that long.
            answers.Count(a => a.Status == 200).ShouldBeInRange(5, 8);
            answers.Where(a => a.Status != 200).ShouldAllBe(a => a.Status == 429 && a.Error == "rate_limited" && a.Header("retry-after").Length > 0);
            await Eventually.TrueAsync(async () => (await mesh.SendAsync()).Status == 200, "another token");
        }) { Policy = ["rateLimit.outbound.requestsPerSecond", "rateLimit.outbound.burst"] },

        new("callers' rates", Yaml.Route(ToV1, "{kind: Service, name: orders}") + Yaml.Policy("""
            rateLimit:
              inbound:
              - {principals: ["spiffe://cluster.local/ns/shop/sa/client"], requestsPerSecond: 1, burst: 3}
            """), async mesh =>
        {
            await Eventually.TrueAsync(async () => (await mesh.SendManyAsync(10)).Any(a => a.Status == 429), "the server's sidecar knows of it");
            await Task.Delay(TimeSpan.FromMilliseconds(3200), TimeProvider.System);
            var answers = await mesh.SendManyAsync(20);
            answers.Count(a => a.Status == 200).ShouldBeInRange(3, 6);
            answers.Where(a => a.Status != 200).ShouldAllBe(a => a.Status == 429 && a.Error == "rate_limited");
            (await mesh.SendManyAsync(20, from: "o2")).ShouldAllBe(a => a.Status == 200);
        }) { Policy = ["rateLimit.inbound.principals", "rateLimit.inbound.requestsPerSecond", "rateLimit.inbound.burst"] },
    ];
}
