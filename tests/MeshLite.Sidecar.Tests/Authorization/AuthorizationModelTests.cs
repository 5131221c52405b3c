using System.Collections.Immutable;
using MeshLite.Model;
using MeshLite.Sidecar.Authorization;

namespace MeshLite.Sidecar.Tests.Authorization;

/// <summary>The sentences of design.md §3, Authorization, one by one.</summary>
public sealed class AuthorizationModelTests
{
    private const string Web = "spiffe://cluster.local/ns/shop/sa/web";
    private static readonly AuthorizationRuleConfig Everything = new();

    [Fact]
    public void Build_WithoutPolicies_IsNothing() => AuthorizationModel.Build([]).ShouldBeNull();

    [Fact]
    public void Decide_AllowAndDenyMatch_DenyWins()
    {
        var model = Model(Policy("a", AuthorizationAction.Allow, Everything), Policy("d", AuthorizationAction.Deny, Everything));

        var decision = model.Decide(Http(Web));

        decision.Allowed.ShouldBeFalse();
        decision.By!.Name.ShouldBe("d");
    }

    [Fact]
    public void Decide_OneAllowThatDoesNotMatch_DefaultIsDeny()
    {
        var model = Model(Policy("a", AuthorizationAction.Allow, new AuthorizationRuleConfig { Namespaces = ["other"] }));

        model.Decide(Http(Web)).ShouldBe(new Decision(Allowed: false, By: null));
    }

    [Fact]
    public void Decide_OnlyDenyThatDoesNotMatch_DefaultIsAllow()
    {
        var model = Model(Policy("d", AuthorizationAction.Deny, new AuthorizationRuleConfig { Namespaces = ["other"] }));

        model.Decide(Http(Web)).ShouldBe(new Decision(Allowed: true, By: null));
    }

    [Fact]
    public void Decide_Audit_EnforcesNothing()
    {
        var model = Model(Policy("w", AuthorizationAction.Audit, Everything));

        model.Decide(Http(Web)).ShouldBe(new Decision(Allowed: true, By: null));
        model.Audits.ShouldHaveSingleItem().Matches(Http(Web)).ShouldBeTrue();
    }

    [Theory]
    [InlineData(AuthorizationAction.Allow, false)]
    [InlineData(AuthorizationAction.Deny, true)]
    public void Decide_PolicyWithoutRules_MatchesNothing(AuthorizationAction action, bool allowed) =>
        Model(Policy("p", action)).Decide(Http(Web)).Allowed.ShouldBe(allowed);

    [Theory]
    [InlineData(AuthorizationAction.Unintelligible)]
    [InlineData((AuthorizationAction)99)]
    public void Decide_ActionNobodyKnows_LetsNobodyIn(AuthorizationAction action)
    {
        var model = Model(Policy("a", AuthorizationAction.Allow, Everything), Policy("x", action, Everything));

        model.Decide(Http(Web)).Allowed.ShouldBeFalse();
        model.Decide(Tcp(Web)).Allowed.ShouldBeFalse();
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public void Decide_Tcp_NeverSatisfiesAllowAndAlwaysMatchesDenyThatNamesMethodsOrPaths(bool methods, bool paths)
    {
        var rule = new AuthorizationRuleConfig { Methods = methods ? ["GET"] : [], Paths = paths ? ["*"] : [] };

        Model(Policy("a", AuthorizationAction.Allow, rule)).Decide(Tcp(Web)).Allowed.ShouldBeFalse();
        Model(Policy("d", AuthorizationAction.Deny, rule)).Decide(Tcp(Web)).Allowed.ShouldBeFalse();
    }

    [Fact]
    public void Decide_TcpAgainstDenyOfOtherCallers_IsLetIn() =>
        Model(Policy("d", AuthorizationAction.Deny, new AuthorizationRuleConfig { Principals = ["*/sa/batch"], Methods = ["GET"] })).Decide(Tcp(Web)).Allowed.ShouldBeTrue();

    [Theory]
    [InlineData("*", "")]
    [InlineData("", "*")]
    [InlineData("spiffe://*", "")]
    public void Decide_CallerWithoutIdentity_MatchesNoPrincipalAndNoNamespace(string principal, string ns)
    {
        var rule = new AuthorizationRuleConfig { Principals = principal.Length > 0 ? [principal] : [], Namespaces = ns.Length > 0 ? [ns] : [] };

        Model(Policy("a", AuthorizationAction.Allow, rule)).Decide(Http(null)).Allowed.ShouldBeFalse();
        Model(Policy("a", AuthorizationAction.Allow, rule)).Decide(Http(Web)).Allowed.ShouldBeTrue();
        Model(Policy("d", AuthorizationAction.Deny, rule)).Decide(Http(null)).Allowed.ShouldBeTrue();
    }

    [Fact]
    public void Decide_PathInDoubt_SatisfiesNoAllowAndMatchesEveryDenyByPath()
    {
        var call = Http(Web, path: "/items/1", inDoubt: true);

        Model(Policy("a", AuthorizationAction.Allow, new AuthorizationRuleConfig { Paths = ["/items/*"] })).Decide(call).Allowed.ShouldBeFalse();
        Model(Policy("d", AuthorizationAction.Deny, new AuthorizationRuleConfig { Paths = ["/admin"] })).Decide(call).Allowed.ShouldBeFalse();
        Model(Policy("a", AuthorizationAction.Allow, new AuthorizationRuleConfig { Paths = ["*"] })).Decide(call).Allowed.ShouldBeTrue();
        Model(Policy("d", AuthorizationAction.Deny, new AuthorizationRuleConfig { Methods = ["DELETE"], Paths = ["/admin"] })).Decide(call).Allowed.ShouldBeTrue();
    }

    [Theory]
    [InlineData("/admin", true)]
    [InlineData("/ADMIN", true)]
    [InlineData("/admin/", true)]
    [InlineData("/admin/x", false)]
    [InlineData("/administrator", false)]
    public void Decide_Deny_StopsWhateverAServerMayTakeForThePath(string path, bool stopped) =>
        Model(Policy("d", AuthorizationAction.Deny, new AuthorizationRuleConfig { Methods = ["get"], Paths = ["/admin"] })).Decide(Http(Web, path)).Allowed.ShouldBe(!stopped);

    [Theory]
    [InlineData("/items", "GET", true)]
    [InlineData("/Items", "GET", false)]
    [InlineData("/items/", "GET", false)]
    [InlineData("/items", "get", false)]
    public void Decide_Allow_LetsInToTheLetter(string path, string method, bool allowed) =>
        Model(Policy("a", AuthorizationAction.Allow, new AuthorizationRuleConfig { Methods = ["GET"], Paths = ["/items"] })).Decide(Http(Web, path, method)).Allowed.ShouldBe(allowed);

    [Fact]
    public void Decide_RulePath_IsNormalisedLikeARequests() =>
        Model(Policy("a", AuthorizationAction.Allow, new AuthorizationRuleConfig { Paths = ["/caf%c3%a9/*"] })).Decide(Http(Web, "/caf%C3%A9/x")).Allowed.ShouldBeTrue();

    internal static AuthorizationModel Model(params ImmutableArray<AuthorizationPolicyConfig> policies) => AuthorizationModel.Build(policies)!;

    internal static AuthorizationPolicyConfig Policy(string name, AuthorizationAction action, params ImmutableArray<AuthorizationRuleConfig> rules) => new(name, action, rules);

    private static Call Http(string? principal, string path = "/", string method = "GET", bool inDoubt = false) =>
        new() { Principal = principal, Namespace = principal is null ? null : "shop", Port = 8080, Method = method, Path = path, PathInDoubt = inDoubt };

    private static Call Tcp(string? principal) => new() { Principal = principal, Namespace = principal is null ? null : "shop", Port = 8080 };
}
