using System.Collections.Immutable;
using System.Text.RegularExpressions;
using FsCheck;
using FsCheck.Fluent;
using MeshLite.Model;
using MeshLite.Sidecar.Authorization;

namespace MeshLite.Sidecar.Tests.Authorization;

/// <summary>
/// The evaluator against a naive one that enumerates how a call may be read: a Deny matches if any reading does, an Allow if all
/// do; of the letter of paths and methods only an Allow makes a point.
/// </summary>
public sealed class AuthorizationReferenceTests
{
    private static readonly string[] Paths = ["/", "/a", "/A", "/a/", "/a/b", "/a/B.json", "/b.json", "/ab"];
    private static readonly string[] Methods = ["GET", "get", "POST"];
    private static readonly string[] Identities = ["spiffe://m/ns/shop/sa/web", "spiffe://m/ns/shop/sa/orders", "spiffe://m/ns/shop2/sa/web"];

    [Fact]
    public void Decide_AnyPoliciesAndCall_IsWhatTheReferenceSays() => Prop.ForAll(
        Gen.Choose(0, int.MaxValue - 1).ToArbitrary(),
        seed =>
        {
            var random = new Random(seed);
            ImmutableArray<AuthorizationPolicyConfig> policies = [.. Enumerable.Range(0, random.Next(1, 5)).Select(i => new AuthorizationPolicyConfig($"p{i}", (AuthorizationAction)random.Next(4), Rules(random)))];
            var call = Facts.Make(random);
            var decision = AuthorizationModel.Build(policies)!.Decide(call.ToCall());
            return decision.Allowed == Reference(policies, call);
        }).Check(FsCheck.Config.QuickThrowOnFailure.WithMaxTest(5_000));

    private static bool Reference(ImmutableArray<AuthorizationPolicyConfig> policies, Facts call)
    {
        bool Some(AuthorizationAction action, bool generous) => policies.Any(p => p.Action == action && p.Rules.Any(r => Matches(r, call, generous)));
        return !policies.Any(p => p.Action == AuthorizationAction.Unintelligible)
            && !Some(AuthorizationAction.Deny, generous: true)
            && (policies.All(p => p.Action != AuthorizationAction.Allow) || Some(AuthorizationAction.Allow, generous: false));
    }

    private static bool Matches(AuthorizationRuleConfig rule, Facts call, bool generous)
    {
        if (!(Part(rule.Principals, call.Principal) && Part(rule.Namespaces, call.Principal?.Split('/')[4]) && (rule.Ports.IsEmpty || rule.Ports.Contains(call.Port))))
        {
            return false;
        }

        if (rule.Methods.IsEmpty && rule.Paths.IsEmpty)
        {
            return true;
        }

        if (call.Method is null)
        {
            return generous;
        }

        var method = rule.Methods.IsEmpty || rule.Methods.Any(m => generous ? m.ToUpperInvariant() == call.Method.ToUpperInvariant() : m == call.Method);
        var path = rule.Paths.IsEmpty || rule.Paths.Contains("*")
            || (call.InDoubt ? generous : rule.Paths.Any(p => generous ? Readings(call.Path).Any(r => Glob(p.ToUpperInvariant(), r)) : Glob(p, call.Path)));
        return method && path;
    }

    private static IEnumerable<string> Readings(string path) => ((string[])[path, path + "/", path.EndsWith('/') ? path[..^1] : path]).Select(p => p.ToUpperInvariant());

    private static bool Part(ImmutableArray<string> patterns, string? text) => patterns.IsEmpty || (text is not null && patterns.Any(p => Glob(p, text)));

    private static bool Glob(string pattern, string text) => Regex.IsMatch(text, $@"\A{Regex.Escape(pattern).Replace(@"\*", ".*", StringComparison.Ordinal)}\z");

    private static ImmutableArray<AuthorizationRuleConfig> Rules(Random random) => Some(random, 3, () => new AuthorizationRuleConfig
    {
        Principals = Some(random, 2, () => Wild(random, Identities[random.Next(3)])),
        Namespaces = Some(random, 2, () => Wild(random, random.Next(2) == 0 ? "shop" : "shop2")),
        Ports = Some(random, 2, () => random.Next(80, 82)),
        Methods = Some(random, 2, () => Methods[random.Next(3)]),
        Paths = Some(random, 2, () => Wild(random, Paths[random.Next(Paths.Length)])),
    });

    private static string Wild(Random random, string text) => random.Next(5) switch
    {
        0 => "*",
        1 => text[..random.Next(1, text.Length + 1)] + "*",
        2 => "*" + text[random.Next(text.Length)..],
        _ => text,
    };

    private static ImmutableArray<T> Some<T>(Random random, int most, Func<T> make) => [.. Enumerable.Range(0, random.Next(most + 1)).Select(_ => make())];

    private sealed record Facts(string? Principal, int Port, string? Method, string Path, bool InDoubt)
    {
        public static Facts Make(Random random) => new(
            random.Next(4) == 0 ? null : Identities[random.Next(3)],
            random.Next(80, 82),
            random.Next(4) == 0 ? null : Methods[random.Next(3)],
            Paths[random.Next(Paths.Length)],
            random.Next(4) == 0);

        public Call ToCall() => new() { Principal = Principal, Namespace = Principal?.Split('/')[4], Port = Port, Method = Method, Path = Path, PathInDoubt = InDoubt };
    }
}
