namespace MeshLite.E2E.Fields;

/// <summary>Who answers: splits, subsets, callers that stay where they are, and who steps in.</summary>
internal static class BackendCases
{
    public static IReadOnlyList<FieldCase> All { get; } =
    [
        new("backends", Yaml.Route("""
            rules:
            - matches: [{path: {value: /port}}]
              backendRefs: [{name: stock, namespace: shop2, port: 82}]
            - matches: [{path: {value: /subset}}]
              backendRefs: [{name: orders, subset: v1}]
            - matches: [{path: {value: /weights}}]
              backendRefs: [{name: orders, subset: v1, weight: 3}, {name: orders, subset: v2, weight: 1}]
            """), async mesh =>
        {
            (await mesh.SendInTurnAsync(10, "/port")).ShouldAllBe(a => a.App == "s2");
            (await mesh.SendInTurnAsync(10, "/subset")).ShouldAllBe(a => a.App == "o1");
            (await mesh.SendInTurnAsync(40, "/weights")).Count(a => a.App == "o1").ShouldBeInRange(29, 31);
        })
        {
            Route = FilterCases.Backend("rules.backendRefs", "rules.backendRefs.weight"),
            Policy = ["targetRef.kind", "targetRef.name", "subsets.name", "subsets.labels.version"],
        },

        new("sticky cookie", Yaml.Route("rules: [{sticky: {cookie: {name: sid, ttl: 1h}}, backendRefs: [{name: orders, subset: v1}, {name: orders, subset: v2}]}]"), async mesh =>
        {
            for (var caller = 0; caller < 4; caller++)
            {
                var first = await mesh.SendAsync();
                var cookie = first.Header("set-cookie");
                cookie.ShouldStartWith("sid=");
                cookie.ShouldContain("Max-Age=3600");
                for (var again = 0; again < 4; again++)
                {
                    (await mesh.SendAsync(headers: ("cookie", cookie.Split(';')[0]))).App.ShouldBe(first.App);
                }
            }
        }) { Route = ["rules.sticky.cookie.name", "rules.sticky.cookie.ttl"] },

        new("sticky header", Yaml.Route("rules: [{sticky: {header: x-user}, backendRefs: [{name: orders, subset: v1}, {name: orders, subset: v2}]}]"), async mesh =>
            await mesh.ShouldStayTogetherAsync(user => ("x-user", user))) { Route = ["rules.sticky.header"] },

        new("fallback response", Yaml.Route("""rules: [{retry: {attempts: 0}, fallback: {response: {status: 203, contentType: application/x-test, body: "sorry"}}, backendRefs: [{name: orders}]}]"""), async mesh =>
        {
            (await mesh.SendAsync()).Status.ShouldBe(200);
            var answer = await mesh.SendAsync(does: "503");
            answer.Status.ShouldBe(203);
            answer.Header("content-type").ShouldBe("application/x-test");
            answer.Body.ShouldBe("sorry");
        }) { Route = ["rules.fallback.response.status", "rules.fallback.response.contentType", "rules.fallback.response.body"] },

        new("fallback backend", Yaml.Route("""
            rules:
            - matches: [{path: {value: /port}}]
              retry: {attempts: 0}
              fallback: {backendRef: {name: stock, namespace: shop2, port: 82}}
              backendRefs: [{name: orders, subset: v1}]
            - matches: [{path: {value: /subset}}]
              retry: {attempts: 0}
              fallback: {backendRef: {name: stock, namespace: shop2, subset: v3}}
              backendRefs: [{name: orders, subset: v1}]
            """), async mesh =>
        {
            (await mesh.SendAsync("/port")).App.ShouldBe("o1");
            (await mesh.SendInTurnAsync(10, "/port", "503@o1")).ShouldAllBe(a => a.Status == 200 && a.App == "s2");
            (await mesh.SendInTurnAsync(10, "/subset", "503@o1")).ShouldAllBe(a => a.Status == 200 && a.App == "s1");
        }) { Route = FilterCases.Backend("rules.fallback.backendRef") },
    ];

    /// <summary>Every request of a user is answered by the same application, and not every user by the same.</summary>
    internal static async Task ShouldStayTogetherAsync(this FieldMesh mesh, Func<string, (string, string)> header)
    {
        var apps = new HashSet<string>();
        for (var user = 0; user < 12; user++)
        {
            var app = (await mesh.SendAsync(headers: header($"user-{user}"))).App;
            apps.Add(app);
            for (var again = 0; again < 3; again++)
            {
                (await mesh.SendAsync(headers: header($"user-{user}"))).App.ShouldBe(app, $"user-{user}");
            }
        }

        apps.Order().ShouldBe(["o1", "o2"]);
    }
}
