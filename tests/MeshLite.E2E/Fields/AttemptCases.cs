namespace MeshLite.E2E.Fields;

/// <summary>How often a request is sent and how long it is waited for.</summary>
internal static class AttemptCases
{
    public static IReadOnlyList<FieldCase> All { get; } =
    [
        new("retry", Yaml.Route("""
            rules:
            - matches: [{path: {value: /attempts}}]
              retry: {attempts: 4}
              backendRefs: [{name: orders}]
            - matches: [{path: {value: /codes}}]
              retry: {codes: [500]}
              backendRefs: [{name: orders}]
            - matches: [{path: {value: /methods}}]
              retry: {methods: [POST]}
              backendRefs: [{name: orders}]
            - matches: [{path: {value: /grpc}}]
              retry: {grpcCodes: [INTERNAL]}
              backendRefs: [{name: orders}]
            - matches: [{path: {value: /backoff}}]
              retry: {attempts: 3, backoff: 300ms}
              backendRefs: [{name: orders}]
            """), async mesh =>
        {
            mesh.ArrivalsOf(await mesh.SendAsync("/attempts", "503")).Count.ShouldBe(5);
            (await mesh.SendAsync("/codes", "500-once")).Status.ShouldBe(200);
            mesh.ArrivalsOf(await mesh.SendAsync("/codes", "503")).Count.ShouldBe(1);
            (await mesh.SendAsync("/methods", "503-once", "POST")).Status.ShouldBe(200);
            mesh.ArrivalsOf(await mesh.SendAsync("/methods", "503", "GET")).Count.ShouldBe(1);
            mesh.ArrivalsOf(await mesh.SendAsync("/grpc", "grpc-13-once", "POST", headers: ("content-type", "application/grpc"))).Count.ShouldBe(2);
            // Full jitter: of three sums of three waits the longest is below 400 ms once in ten thousand; by default they are at most 175 ms.
            (await mesh.SendManyAsync(3, "/backoff", "503")).Max(a => a.Took).ShouldBeGreaterThan(TimeSpan.FromMilliseconds(400));
        }) { Route = ["rules.retry.attempts", "rules.retry.codes", "rules.retry.methods", "rules.retry.grpcCodes", "rules.retry.backoff"] },

        new("timeouts", Yaml.Route("""
            rules:
            - matches: [{path: {value: /request}}]
              timeouts: {request: 300ms}
              backendRefs: [{name: orders}]
            - matches: [{path: {value: /backend}}]
              timeouts: {backendRequest: 300ms}
              backendRefs: [{name: orders}]
            """), async mesh =>
        {
            var late = await mesh.SendAsync("/request", "hang");
            (late.Status, late.Error).ShouldBe((504, "request_timeout"));
            var again = await mesh.SendAsync("/backend", "hang-once");
            again.Status.ShouldBe(200);
            mesh.ArrivalsOf(again).Count.ShouldBe(2);
        }) { Route = ["rules.timeouts.request", "rules.timeouts.backendRequest"] },

        new("hedge", Yaml.Route("rules: [{hedge: {delay: 100ms}, backendRefs: [{name: orders}]}]"), async mesh =>
        {
            var answer = await mesh.SendAsync(does: "hang-once");
            answer.Status.ShouldBe(200);
            mesh.ArrivalsOf(answer).Select(a => a.App).Order().ShouldBe(["o1", "o2"]);
        }) { Route = ["rules.hedge.delay"] },

        new("policy's timeouts", Yaml.PolicyCase("timeouts: {request: 400ms, idle: 10s}"), async mesh =>
        {
            var late = await mesh.SendAsync(does: "hang");
            (late.Status, late.Error).ShouldBe((504, "request_timeout"));
        }) { Policy = ["timeouts.request"] },

        new("idle timeout", Yaml.PolicyCase("timeouts: {idle: 500ms}"), async mesh =>
        {
            var answer = await mesh.SendAsync(does: "stall");
            answer.Status.ShouldBe(0);
            answer.Body.ShouldNotBe(nameof(TimeoutException), "it stalled until the test gave up");
        }) { Policy = ["timeouts.idle"] },

        new("connect timeout", Yaml.Route("rules: [{timeouts: {request: 2500ms}, backendRefs: [{name: tarpit}]}]") + """
            ---
            apiVersion: meshlite.dev/v1alpha1
            kind: TrafficPolicy
            metadata: {name: tarpit, namespace: shop}
            spec:
              targetRef: {kind: Service, name: tarpit}
              timeouts: {connect: 5s}
            """, async mesh =>
        {
            var before = mesh.Caught;
            var answer = await mesh.SendAsync();
            answer.Status.ShouldBe(504);
            // By default another connection would be tried after a second.
            (mesh.Caught - before).ShouldBe(1);
        }) { Policy = ["timeouts.connect"] },

        new("retry budget", Yaml.Route("rules: [{retry: {attempts: 2}, backendRefs: [{name: orders}]}]", "{kind: Service, name: orders}") + Yaml.Policy("retryBudget: {percent: 0, minPerSecond: 0}"), async mesh =>
        {
            var answers = await mesh.SendInTurnAsync(20, "/", "503");
            answers.ShouldAllBe(a => mesh.ArrivalsOf(a).Count == 1 && a.Header("meshlite-retry-budget") == "spent");
        }) { Policy = ["retryBudget.percent", "retryBudget.minPerSecond"] },

        new("retry budget interval", Yaml.Route("rules: [{retry: {attempts: 2}, backendRefs: [{name: orders}]}]", "{kind: Service, name: orders}") + Yaml.Policy("retryBudget: {percent: 100, minPerSecond: 0, interval: 1s}"), async mesh =>
        {
            await mesh.SendManyAsync(40);
            await Task.Delay(TimeSpan.FromMilliseconds(1500), TimeProvider.System);
            var answers = await mesh.SendInTurnAsync(20, "/", "503");
            // What was sent more than a second ago no longer pays for retries: at most one each, of the two that are allowed.
            answers.Sum(a => mesh.ArrivalsOf(a).Count).ShouldBeInRange(21, 41);
        }) { Policy = ["retryBudget.interval"] },
    ];
}
