using MeshLite.ControlPlane.Resources;
using MeshLite.Model;

namespace MeshLite.ControlPlane.Tests.Resources.Reading;

public sealed class AuthorizationPolicyReaderTests : ReadingTestBase
{
    [Fact]
    public void Read_TheContractsExample_HasAllOfIt()
    {
        var policy = ReadGood<AuthorizationPolicyResource>(Authorization(
            """
            selector: {matchLabels: {app: inventory}}
            action: Deny
            rules:
            - from: {principals: ["spiffe://cluster.local/ns/shop/sa/orders"], namespaces: [shop]}
              to: {ports: [8080], methods: [GET], paths: ["/items/*"]}
            """));

        policy.Selector.ShouldBe([KeyValuePair.Create("app", "inventory")]);
        policy.Action.ShouldBe(AuthorizationAction.Deny);
        var rule = policy.Rules.ShouldHaveSingleItem();
        rule.Principals.ShouldBe(["spiffe://cluster.local/ns/shop/sa/orders"]);
        rule.Namespaces.ShouldBe(["shop"]);
        rule.Ports.ShouldBe([8080]);
        rule.Methods.ShouldBe(["GET"]);
        rule.Paths.ShouldBe(["/items/*"]);
    }

    [Fact]
    public void Read_EmptySpec_AllowsNobodyInTheNamespace()
    {
        var policy = ReadGood<AuthorizationPolicyResource>(Authorization("{}"));

        policy.Action.ShouldBe(AuthorizationAction.Allow);
        policy.Rules.ShouldBeEmpty();
        policy.Selects("shop", new Dictionary<string, string>()).ShouldBeTrue();
    }

    [Theory]
    [InlineData("*", true)]
    [InlineData("/items/*", true)]
    [InlineData("*.json", true)]
    [InlineData("*/health", true)]
    [InlineData("/caf%C3%A9", true)]
    [InlineData("items", false)]
    [InlineData("/a*b", false)]
    [InlineData("*/a/*", false)]
    [InlineData("**", false)]
    [InlineData("/a//b", false)]
    [InlineData("/a/../b", false)]
    [InlineData("/a%2Fb*", false)]
    [InlineData("/a;b", false)]
    public void Read_Path_IsAPatternOfNormalPaths(string path, bool good) =>
        (Read(Authorization($"rules: [{{to: {{paths: ['{path}']}}}}]")).Errors.Count == 0).ShouldBe(good);

    [Theory]
    [InlineData("action: Forbid", "spec.action: is 'Forbid', must be Allow, Deny or Audit")]
    [InlineData("action: Unintelligible", "spec.action: is 'Unintelligible', must be Allow, Deny or Audit")]
    [InlineData("selector: {matchExpressions: []}", "spec.selector.matchExpressions: is not supported by this version")]
    [InlineData("selector: {app: orders}", "spec.selector.app: unknown field; here may stand matchLabels")]
    [InlineData("rules: [{from: {}}]", "spec.rules[0].from: must have at least one of principals, namespaces; without it, leave it out")]
    [InlineData("rules: [{to: {}}]", "spec.rules[0].to: must have at least one of ports, methods, paths; without it, leave it out")]
    [InlineData("rules: [{from: {principals: []}}]", "spec.rules[0].from.principals: has 0 items, must have 1 to 256")]
    [InlineData("rules: [{from: {namespaces: ['a*b']}}]", "spec.rules[0].from.namespaces[0]: 'a*b' is neither a namespace nor that with a * for its beginning or end")]
    [InlineData("rules: [{to: {ports: [0]}}]", "spec.rules[0].to.ports[0]: is the number 0, must be a port from 1 to 65535")]
    [InlineData("rules: [{to: {methods: [get]}}]", "spec.rules[0].to.methods[0]: 'get' is not a method in upper case")]
    [InlineData("rules: [{to: {notPaths: [/a], paths: [/b]}}]", "spec.rules[0].to.notPaths: is not supported by this version")]
    [InlineData("rules: [{when: []}]", "spec.rules[0].when: is not supported by this version")]
    public void Read_BadPolicy_SaysWhatAndWhere(string spec, string error) => ReadBad(Authorization(spec)).ShouldHaveSingleItem().ShouldEndWith(": " + error);

    private static string Authorization(string spec) =>
        $"apiVersion: meshlite.dev/v1alpha1\nkind: AuthorizationPolicy\nmetadata: {{name: a, namespace: shop}}\nspec:\n  {spec.Replace("\n", "\n  ", StringComparison.Ordinal)}";
}
