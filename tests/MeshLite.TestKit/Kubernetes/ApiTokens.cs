using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json.Nodes;

namespace MeshLite.TestKit.Kubernetes;

/// <summary>Service-account tokens: opaque here, as they should be to everybody but the server. Thread-safe.</summary>
internal sealed class ApiTokens(TimeProvider time)
{
    /// <summary>The server's own audience, which tokens of requests need.</summary>
    public const string OwnAudience = "https://kubernetes.default.svc.cluster.local";

    private readonly ConcurrentDictionary<string, IssuedToken> _tokens = new(StringComparer.Ordinal);

    public string Issue(string ns, string account, string audience, TimeSpan lifetime, string? pod)
    {
        var token = $"fake.{Guid.NewGuid():N}";
        _tokens[token] = new IssuedToken(ns, account, audience, time.GetUtcNow() + lifetime, pod);
        return token;
    }

    public void Revoke(string token) => _tokens.TryRemove(token, out _);

    /// <summary>Who shows the token as his own; null: nobody.</summary>
    public string? UserOf(string token) => Valid(token) is { Audience: OwnAudience } found ? found.Username : null;

    /// <summary>Answers a TokenReview.</summary>
    public JsonObject Review(JsonObject review)
    {
        var asked = (review["spec"]?["audiences"] as JsonArray)?.Select(a => (string)a!).ToArray() is { Length: > 0 } given ? given : [OwnAudience];
        var answer = review.DeepClone().AsObject();
        answer["status"] = Valid((string?)review["spec"]?["token"] ?? "") is { } token && asked.Contains(token.Audience)
            ? StatusOf(token)
            : new JsonObject { ["user"] = new JsonObject(), ["error"] = "[invalid bearer token, token is expired, revoked or for another audience]" };
        return answer;
    }

    private IssuedToken? Valid(string token) => _tokens.TryGetValue(token, out var found) && time.GetUtcNow() < found.Expires ? found : null;

    private static JsonObject StatusOf(IssuedToken token)
    {
        var user = new JsonObject
        {
            ["username"] = token.Username,
            ["uid"] = "uid-" + token.Account,
            ["groups"] = new JsonArray("system:serviceaccounts", $"system:serviceaccounts:{token.Namespace}", "system:authenticated"),
        };
        if (token.Pod is not null)
        {
            user["extra"] = new JsonObject { ["authentication.kubernetes.io/pod-name"] = new JsonArray(token.Pod) };
        }

        return new JsonObject { ["authenticated"] = true, ["user"] = user, ["audiences"] = new JsonArray(token.Audience) };
    }

    private sealed record IssuedToken(string Namespace, string Account, string Audience, DateTimeOffset Expires, string? Pod)
    {
        public string Username => string.Create(CultureInfo.InvariantCulture, $"system:serviceaccount:{Namespace}:{Account}");
    }
}
