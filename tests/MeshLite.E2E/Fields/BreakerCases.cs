using MeshLite.TestKit;

namespace MeshLite.E2E.Fields;

/// <summary>
/// When endpoints, or all of orders, are left alone. o1 fails where o1 is told to; endpoints come in turn, so that it is known
/// what each gets. Windows differ, as they begin anew only where their length changes.
/// </summary>
internal static class BreakerCases
{
    public static IReadOnlyList<FieldCase> All { get; } =
    [
        new("destination: in a row", Destination("consecutiveFailures: 3, failureRatio: 0, window: 20s"), async mesh =>
        {
            var answers = await mesh.SendInTurnAsync(10, "/", "503");
            answers.Count(a => mesh.ArrivalsOf(a).Count > 0).ShouldBe(3);
            answers.Skip(3).ShouldAllBe(a => a.Status == 503 && a.Error == "circuit_open" && a.Header("retry-after") == "5");
        }) { Policy = ["circuitBreaker.destination.consecutiveFailures"] },

        new("destination: ratio", Destination("consecutiveFailures: 0, failureRatio: 0.3, minimumRequests: 10, window: 21s"), async mesh =>
        {
            var answers = await mesh.SendAsync(requests: 30, failEvery: 3, "503");
            answers.Count(a => mesh.ArrivalsOf(a).Count > 0).ShouldBe(10);
        }) { Policy = ["circuitBreaker.destination.failureRatio", "circuitBreaker.destination.minimumRequests"] },

        new("destination: window", Destination("consecutiveFailures: 0, failureRatio: 0.5, minimumRequests: 4, window: 1s"), async mesh =>
        {
            await mesh.SendInTurnAsync(3, "/", "503");
            await Task.Delay(TimeSpan.FromMilliseconds(1300), TimeProvider.System);
            await mesh.SendAsync(does: "503");
            (await mesh.SendAsync()).Status.ShouldBe(200);
        }) { Policy = ["circuitBreaker.destination.window"] },

        new("destination: way back", Destination("consecutiveFailures: 3, failureRatio: 0, openFor: 300ms, successesToClose: 1"), async mesh =>
        {
            await mesh.SendInTurnAsync(3, "/", "503");
            var opened = TimeProvider.System.GetTimestamp();
            await Eventually.TrueAsync(async () => (await mesh.SendAsync()).Status == 200, "a probe is let through");
            TimeProvider.System.GetElapsedTime(opened).ShouldBeLessThan(TimeSpan.FromSeconds(4));
            // Closed by one success: half open, the next failure would open it again.
            await mesh.SendAsync(does: "503");
            (await mesh.SendAsync()).Status.ShouldBe(200);
        }) { Policy = ["circuitBreaker.destination.openFor", "circuitBreaker.destination.successesToClose"] },

        new("failure codes", Destination("consecutiveFailures: 3, failureRatio: 0, window: 22s", "failureCodes: [503]"), async mesh =>
        {
            (await mesh.SendInTurnAsync(6, "/", "500")).ShouldAllBe(a => a.Status == 500);
            await mesh.SendInTurnAsync(3, "/", "503");
            (await mesh.SendAsync()).Error.ShouldBe("circuit_open");
        }) { Policy = ["circuitBreaker.failureCodes"] },

        new("endpoint: in a row", Endpoint("consecutiveFailures: 3, failureRatio: 0, openFor: 30s"), async mesh =>
        {
            await mesh.CalmAsync();
            mesh.AtO1(await mesh.SendInTurnAsync(20, "/", "503@o1")).ShouldBe(3);
        }) { Policy = ["circuitBreaker.endpoint.consecutiveFailures"] },

        new("endpoint: ratio", Endpoint("consecutiveFailures: 0, failureRatio: 0.3, minimumRequests: 10, window: 23s, openFor: 30s"), async mesh =>
        {
            await mesh.CalmAsync(requests: 0);
            // Every third of those that o1 gets, which are every second.
            mesh.AtO1(await mesh.SendAsync(requests: 60, failEvery: 3, "503@o1", inPairs: true)).ShouldBe(10);
        }) { Policy = ["circuitBreaker.endpoint.failureRatio", "circuitBreaker.endpoint.minimumRequests"] },

        new("endpoint: window", Endpoint("consecutiveFailures: 0, failureRatio: 0.5, minimumRequests: 4, window: 1s, openFor: 30s"), async mesh =>
        {
            await mesh.CalmAsync(requests: 0);
            await mesh.SendInTurnAsync(6, "/", "503@o1");
            await Task.Delay(TimeSpan.FromMilliseconds(1300), TimeProvider.System);
            await mesh.SendInTurnAsync(2, "/", "503@o1");
            mesh.AtO1(await mesh.SendInTurnAsync(4)).ShouldBe(2);
        }) { Policy = ["circuitBreaker.endpoint.window"] },

        new("endpoint: none ejected", Endpoint("consecutiveFailures: 3, failureRatio: 0, maxEjectedPercent: 0"), async mesh =>
            mesh.AtO1(await mesh.SendInTurnAsync(20, "/", "503@o1")).ShouldBe(10)) { Policy = ["circuitBreaker.endpoint.maxEjectedPercent"] },

        new("endpoint: way back", Endpoint("consecutiveFailures: 3, failureRatio: 0, openFor: 300ms, successesToClose: 1"), async mesh =>
        {
            await mesh.CalmAsync();
            var started = TimeProvider.System.GetTimestamp();
            await mesh.SendInTurnAsync(6, "/", "503@o1");
            await Eventually.TrueAsync(async () => mesh.AtO1([await mesh.SendAsync()]) == 1, "o1 is probed");
            TimeProvider.System.GetElapsedTime(started).ShouldBeLessThan(TimeSpan.FromSeconds(4));
            // Back by one success: half open, the next failure would take it out again, and what follows would go to o2.
            await mesh.SendInTurnAsync(2, "/", "503@o1");
            mesh.AtO1(await mesh.SendInTurnAsync(4)).ShouldBe(2);
        }) { Policy = ["circuitBreaker.endpoint.openFor", "circuitBreaker.endpoint.successesToClose"] },

        new("endpoint: longest way back", Endpoint("consecutiveFailures: 3, failureRatio: 0, openFor: 250ms, maxOpenFor: 250ms"), async mesh =>
        {
            await mesh.CalmAsync();
            await mesh.SendInTurnAsync(6, "/", "503@o1");
            // Six failed probes take 6 × 250 ms to a fifth longer; without a longest they would take (1 + 2 + … + 6) × 250 ms = 5.25 s.
            var started = TimeProvider.System.GetTimestamp();
            for (var probes = 0; probes < 6; await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System))
            {
                probes += mesh.AtO1([await mesh.SendAsync(does: "503@o1")]);
                TimeProvider.System.GetElapsedTime(started).ShouldBeLessThan(TimeSpan.FromSeconds(5));
            }
        }) { Policy = ["circuitBreaker.endpoint.maxOpenFor"] },
    ];

    private static string Destination(string circuit, string more = "") => Yaml.PolicyCase($$"""
        circuitBreaker:
          endpoint: {consecutiveFailures: 0, failureRatio: 0, maxEjectedPercent: 0}
          destination: {{{circuit}}}
          {{more}}
        """);

    private static string Endpoint(string circuit) => Yaml.PolicyCase($$$"""
        loadBalancer: {type: RoundRobin}
        circuitBreaker: {endpoint: {{{{circuit}}}}}
        """);

    // In turn, every so manieth of them (or of the pairs of them) with something to do.
    private static async Task<FieldAnswer[]> SendAsync(this FieldMesh mesh, int requests, int failEvery, string does, bool inPairs = false)
    {
        var answers = new FieldAnswer[requests];
        for (var i = 0; i < requests; i++)
        {
            answers[i] = await mesh.SendAsync(does: (inPairs ? i / 2 : i) % failEvery == 0 ? does : "");
        }

        return answers;
    }

    // Nobody is out, and the last that each got went well.
    private static async Task CalmAsync(this FieldMesh mesh, int requests = 4)
    {
        await Eventually.TrueAsync(async () => requests == 0 || (await mesh.SendInTurnAsync(requests)).Select(a => a.App).Distinct().Count() == 2, "both endpoints are in use");
    }

    private static int AtO1(this FieldMesh mesh, IEnumerable<FieldAnswer> answers) => answers.Count(a => mesh.ArrivalsOf(a).Any(arrival => arrival.App == "o1"));
}
